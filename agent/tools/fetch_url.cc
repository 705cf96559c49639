#include <algorithm>
#include <array>

#include "agent/policy/domain.h"
#include "agent/tools/arguments.h"
#include "agent/tools/builtin.h"
#include "agent/tools/render.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::array kParameters{Parameter{.name = "url"}};
constexpr std::chrono::milliseconds kMaxTime{30'000};
constexpr const char* kMaxBytes = "16777216";
/// curl writes this to stderr after the transfer: what the body does not say.
constexpr const char* kTrailer = "%{stderr}\nHTTP %{http_code} %{content_type}\nLocation: %{redirect_url}\n";

Prepared Prepare(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kParameters)) return *bad;
  const std::string text = TextArgument(args, "url");
  ToolPlan plan;
  plan.summary = "fetch_url " + text;
  plan.verdict = context.policy.CheckUrl(text);
  const Result<Url> url = ParseUrl(text);
  const std::chrono::milliseconds time = std::min(kMaxTime, context.wall_limit);
  // -q comes first: no ~/.curlrc. No -L: where a redirect leads is for the policy to decide. -g: no URL globs.
  plan.command.argv = {"curl",
                       "-q",
                       "-sS",
                       "-g",
                       "--proto",
                       "=http,https",
                       "--noproxy",
                       "*",
                       "--connect-timeout",
                       "10",
                       "--max-time",
                       std::to_string(std::max<std::int64_t>(1, time.count() / 1000)),
                       "--max-filesize",
                       kMaxBytes,
                       "-w",
                       kTrailer,
                       "--",
                       url.ok() ? url->text : text};
  plan.command.cwd = "/";
  plan.command.env = {"LANG=C.UTF-8"};
  plan.command.limits.wall = std::min(kMaxTime + std::chrono::seconds(2), context.wall_limit);
  plan.command.limits.output_bytes = 16u << 20;
  plan.command.keep_head = kStreamBudget;
  plan.command.keep_tail = 0;
  plan.confinement = context.policy.ForFetch();
  plan.approved_confinement =
      plan.verdict.question ? context.policy.ForApprovedFetch(*plan.verdict.question) : plan.confinement;
  return plan;
}

ToolOutput Render(const sandbox::Completed& done) {
  if (!Exited(done.report)) return {.text = EndText(done.report), .is_error = true};
  const std::string& remarks = done.err.head;
  const std::size_t trailer = remarks.rfind("\nHTTP ");
  if (done.report.exit_code != 0) {
    const std::string why(Trim(OneLine(remarks.substr(0, trailer), 500)));
    return {
        .text = why.empty() ? "curl failed with exit code " + std::to_string(done.report.exit_code.value_or(-1)) : why,
        .is_error = true};
  }
  ToolOutput output;
  if (trailer != std::string::npos) {
    const std::string_view lines = std::string_view(remarks).substr(trailer + 1);
    const std::size_t location = lines.find("\nLocation: ");
    output.text = std::string(Trim(OneLine(lines.substr(0, location), 200)));
    const std::string target(location == std::string_view::npos ? "" : Trim(OneLine(lines.substr(location + 11), 500)));
    if (!target.empty()) output.text += "\n[redirects to " + target + ", not followed]";
    output.text += "\n";
  }
  output.text +=
      ShowHead(done.out, done.out.spill.empty() ? "fetch a smaller part" : "all of it is in " + done.out.spill);
  output.text.resize(Utf8Prefix(output.text, kToolTextLimit).size());
  return output;
}

}  // namespace

Tool MakeFetchUrl() {
  return {.spec = {"fetch_url", "GET an http(s) URL. Redirects are reported, not followed.", SchemaOf(kParameters)},
          .prepare = Prepare,
          .render = Render};
}

}  // namespace rune::agent
