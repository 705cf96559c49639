#include "sandbox/report.h"

namespace rune::sandbox {

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
  }
  return "";
}

}  // namespace rune::sandbox
