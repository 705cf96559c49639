#include "sandbox/guardian/report_json.h"

#include "sandbox/base/quoted.h"
#include "sandbox/base/text.h"
#include "sandbox/confinement.h"
#include "sandbox/guardian/remedy_flags.h"

namespace rune::sandbox {
namespace {

std::string Quote(std::string_view text) { return QuoteJson(OneLine(text, 4096)); }

std::string Member(std::string_view name, std::string_view json) { return Quote(name) + ":" + std::string(json); }

template <typename T, typename F>
std::string Array(const std::vector<T>& values, F element) {
  std::string out = "[";
  for (const T& value : values) out += (out.size() > 1 ? "," : "") + element(value);
  return out + "]";
}

}  // namespace

std::string ReportJson(const Report& report, const std::vector<LayerReport>& layers) {
  const auto layer = [](const LayerReport& r) {
    return "{" + Member("layer", Quote(LayerName(r.layer))) + "," + Member("state", Quote(LayerStateName(r.state))) +
           "," + Member("mechanism", Quote(r.mechanism)) + "," + Member("why", Quote(r.why)) + "}";
  };
  const auto denial = [](const Denial& d) {
    return "{" + Member("layer", Quote(DeniedByName(d.by))) + "," + Member("what", Quote(DeniedActName(d.what))) + "," +
           Member("target", Quote(d.target)) + "," + Member("count", std::to_string(d.count)) + "," +
           Member("allow", Array(FlagsOf(d.remedy), Quote)) + "}";
  };
  const auto egress = [](const Egress& e) {
    return "{" + Member("target", Quote(e.target)) + "," + Member("port", std::to_string(e.port)) + "," +
           Member("lookups", std::to_string(e.lookups)) + "," + Member("connections", std::to_string(e.connections)) +
           "," + Member("refused", std::to_string(e.refused)) + "," + Member("sent", std::to_string(e.sent)) + "," +
           Member("received", std::to_string(e.received)) + "}";
  };
  return "{" + Member("exit_code", report.exit_code ? std::to_string(*report.exit_code) : "null") + "," +
         Member("signal", std::to_string(report.signal)) + "," + Member("limit", Quote(LimitHitName(report.limit))) +
         "," + Member("setup_error", Quote(report.setup_error)) + "," +
         Member("wall_us", std::to_string(report.wall_us)) + "," + Member("cpu_us", std::to_string(report.cpu_us)) +
         "," + Member("max_rss_kb", std::to_string(report.max_rss_kb)) + "," +
         Member("leftovers", std::to_string(report.leftovers)) + "," +
         Member("oom_kills", std::to_string(report.oom_kills)) + "," +
         Member("forks_refused", std::to_string(report.forks_refused)) + "," +
         Member("troubles", Array(report.troubles, Quote)) + "," + Member("layers", Array(layers, layer)) + "," +
         Member("denials", Array(report.denials, denial)) + "," + Member("egress", Array(report.egress, egress)) +
         "}\n";
}

}  // namespace rune::sandbox
