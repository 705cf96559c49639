#include "sandbox/base/result.h"

#include <cstring>

namespace rune {

Error Error::FromErrno(const std::string& what, int err) {
  char buffer[128];
  // The GNU variant returns the text, which need not be in the buffer (strerror_r(3)).
  return {ErrorKind::kSystem, what + ": " + strerror_r(err, buffer, sizeof buffer)};
}

}  // namespace rune
