#include "sandbox/denial.h"

#include "sandbox/base/text.h"
#include "sandbox/confinement.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxEntry = 4096;  // PATH_MAX

}  // namespace

std::string_view DeniedByName(DeniedBy by) {
  switch (by) {
    case DeniedBy::kNetwork:
      return LayerName(Layer::kNetwork);
    case DeniedBy::kSeccomp:
      return LayerName(Layer::kSeccomp);
    case DeniedBy::kLandlock:
      return LayerName(Layer::kLandlock);
    case DeniedBy::kNames:
      return LayerName(Layer::kNames);
    case DeniedBy::kIdentity:
      return "identity";
    case DeniedBy::kPolicy:
      return "policy";
  }
  return "";
}

std::string_view DeniedActName(DeniedAct act) {
  switch (act) {
    case DeniedAct::kExec:
      return "exec";
    case DeniedAct::kRead:
      return "read";
    case DeniedAct::kWrite:
      return "write";
    case DeniedAct::kMetadata:
      return "metadata";
    case DeniedAct::kLookup:
      return "lookup";
    case DeniedAct::kConnect:
      return "connect";
    case DeniedAct::kSend:
      return "send";
    case DeniedAct::kBind:
      return "bind";
    case DeniedAct::kSocket:
      return "socket";
    case DeniedAct::kTls:
      return "tls";
    case DeniedAct::kHttp:
      return "http";
    case DeniedAct::kAddress:
      return "address";
    case DeniedAct::kUpload:
      return "upload";
    case DeniedAct::kSyscall:
      return "syscall";
    case DeniedAct::kRunLater:
      return "run later";
  }
  return "";
}

Remedy RemedyOf(Grant grant, const std::string& entry) {
  if (entry.empty() || OneLine(entry, kMaxEntry) != entry) return {};
  return {grant, {entry}};
}

}  // namespace rune::sandbox
