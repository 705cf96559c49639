#include "agent/wires/base64.h"

#include <algorithm>

#include "sandbox/base/encoding.h"

namespace rune::agent {

void WriteBase64(json::Writer& out, std::string_view bytes, std::string_view prefix) {
  out.PlainString(prefix.size() + Base64Size(bytes.size()),
                  [&](char* place) { Base64EncodeTo(bytes, std::copy(prefix.begin(), prefix.end(), place)); });
}

}  // namespace rune::agent
