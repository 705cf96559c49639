/// From bytes on the socket to a report: whatever a guardian sends, its client reads known words or refuses it.
#include "sandbox/denial.h"
#include "sandbox/guardian/report_json.h"
#include "sandbox/protocol/frames.h"
#include "tests/fuzz/fuzz.h"

using namespace rune::sandbox;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(rune::fuzz::AsText(data, size));
  const auto frame = Decode<DoneFrame>(body);
  if (!frame.ok()) return 0;
  for (const Denial& denial : frame->report.denials) {
    rune::fuzz::Expect(!DeniedByName(denial.by).empty() && !DeniedActName(denial.what).empty(),
                       "what was read is known");
  }
  const std::string again = Encode(*frame).substr(sizeof(std::uint32_t) + 1);
  rune::fuzz::Expect(Decode<DoneFrame>(again).ok(), "a frame survives the socket");
  rune::fuzz::Expect(ReportJson(frame->report, {}).find('\0') == std::string::npos, "a report is text");
  return 0;
}
