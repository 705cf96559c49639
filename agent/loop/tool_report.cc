#include "agent/loop/tool_report.h"

#include "agent/run/denials.h"

namespace rune::agent {

void NoteReport(const sandbox::Report& report, const Policy& policy, const std::vector<std::string>& hosts,
                ToolRecord& record) {
  for (const sandbox::Denial& denial : report.denials) AddDenial(record.refusals, policy.Explain(denial, hosts));
  record.succeeded = Exited(report) && report.exit_code == 0;
  record.refused = !record.succeeded && !record.refusals.empty();
  if (!Exited(report)) record.detail = EndText(report);
}

}  // namespace rune::agent
