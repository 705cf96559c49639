#include "sandbox/report.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rune::sandbox {
namespace {

/// Wall clock limits are whole seconds; what was measured is a little more.
std::string Seconds(std::uint64_t microseconds) {
  if (microseconds >= 1'000'000) return std::to_string(microseconds / 1'000'000) + " s";
  return std::to_string(microseconds / 1000) + " ms";
}

std::string WhyNotRun(const Report& report) {
  if (RefusedBy(report, DeniedBy::kLandlock))
    return "Permission denied (Landlock): the program is not among the allowed commands";
  if (report.setup_error.starts_with("exec") && report.setup_errno == ENOENT) return "command not found";
  return report.setup_error;
}

std::string Signal(int number) {
  const char* const name = ::strsignal(number);
  return "signal " + std::to_string(number) + (name == nullptr ? "" : " (" + std::string(name) + ")");
}

}  // namespace

std::string_view LimitHitName(LimitHit limit) {
  switch (limit) {
    case LimitHit::kNone:
      return "none";
    case LimitHit::kWall:
      return "wall clock";
    case LimitHit::kMemory:
      return "memory";
    case LimitHit::kPids:
      return "pids";
    case LimitHit::kCpu:
      return "cpu";
    case LimitHit::kOutput:
      return "output";
    case LimitHit::kFileSize:
      return "file size";
    case LimitHit::kDisk:
      return "disk";
  }
  return "";
}

bool RefusedBy(const Report& report, DeniedBy by) {
  return std::any_of(report.denials.begin(), report.denials.end(), [&](const Denial& d) { return d.by == by; });
}

bool Exited(const Report& report) {
  return report.exit_code && !report.guardian_lost && !report.cancelled && report.limit == LimitHit::kNone &&
         report.signal == 0 && report.setup_error.empty();
}

std::string EndText(const Report& report) {
  if (report.guardian_lost) return "the sandbox was lost; the call was stopped";
  if (!report.setup_error.empty()) return "could not run: " + WhyNotRun(report);
  if (report.cancelled) return "cancelled";
  if (report.limit == LimitHit::kWall) return "killed: wall clock limit of " + Seconds(report.wall_us);
  if (report.limit != LimitHit::kNone) return "killed: " + std::string(LimitHitName(report.limit)) + " limit";
  if (report.signal != 0) return "killed by " + Signal(report.signal);
  if (!report.exit_code) return "ended without an exit code";
  return *report.exit_code == 0 ? "" : "exit code " + std::to_string(*report.exit_code);
}

}  // namespace rune::sandbox
