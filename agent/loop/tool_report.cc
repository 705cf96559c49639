#include "agent/loop/tool_report.h"

#include <algorithm>

#include "agent/policy/remedy_text.h"
#include "agent/run/denials.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::uint64_t kKilobytesPerMegabyte = 1024;

std::string Times(std::uint64_t count) { return count == 1 ? "once" : std::to_string(count) + " times"; }

/// What limits of the run did while the command ran: how far it came, how often they were met, what raises them. A
/// command may have got over it.
void NoteLimits(const sandbox::Report& report, const PolicyConfig& policy, std::vector<std::string>& notes) {
  using sandbox::LimitHit;
  if (report.oom_kills > 0 || report.limit == LimitHit::kMemory) {
    notes.push_back("limit: memory, " + std::to_string(policy.max_memory_mb) + " MiB of all running tools: met " +
                    Times(std::max<std::uint64_t>(1, report.oom_kills)) + "; the largest process had " +
                    std::to_string(report.max_rss_kb / kKilobytesPerMegabyte) + " MiB; " +
                    PlaceOf("max_memory_mb", policy) + " raises it");
  }
  if (report.forks_refused > 0 || report.limit == LimitHit::kPids) {
    notes.push_back("limit: " + std::to_string(policy.max_pids) + " processes and threads of all running tools: met " +
                    Times(std::max<std::uint64_t>(1, report.forks_refused)) + "; " + PlaceOf("max_pids", policy) +
                    " raises it");
  }
  if (report.limit == LimitHit::kDisk) {
    notes.push_back("limit: disk, " + std::to_string(policy.max_disk_mb) + " MiB of all tools of the run; " +
                    PlaceOf("max_disk_mb", policy) + " raises it");
  }
}

}  // namespace

void NoteReport(const sandbox::Report& report, const Policy& policy, const std::vector<std::string>& hosts,
                ToolRecord& record) {
  for (const sandbox::Denial& denial : report.denials) AddDenial(record.refusals, policy.Explain(denial, hosts));
  record.succeeded = Exited(report) && report.exit_code == 0;
  record.refused = !record.succeeded && !record.refusals.empty();
  NoteLimits(report, policy.config(), record.notes);
  for (const std::string& trouble : report.troubles) record.notes.push_back("network: " + OneLine(trouble));
  if (!Exited(report)) record.detail = EndText(report);
}

}  // namespace rune::agent
