#pragma once
/// What every wire codec hands back, whichever protocol it speaks. Codecs are pure: bytes in, a message out.

#include <cstdint>
#include <string>

#include "agent/json/json.h"
#include "agent/message.h"

namespace rune::agent {

/// Why a 200 response is no answer.
enum class StreamFault : std::uint8_t {
  kNone,
  kTruncated,    ///< Ended without the protocol's terminal marker: the rest is missing, so nothing of it counts.
  kMalformed,    ///< Not this protocol.
  kHtml,         ///< A web page.
  kServerError,  ///< An error object inside the response; see Decoded::error.
  kTooLarge,
};

/// An error object, whatever shape the server gave it. Texts are untrusted.
struct ServerError {
  std::string message;
  std::string type;
  std::string code;  ///< A word, or empty.
  int status = 0;    ///< An HTTP status that the object itself names, or 0.
  bool found = false;
};
/// Understands {"error":{...}}, {"error":"text"}, {"object":"error",...}, {"message":...}, {"detail":...} and the same
/// inside an array.
ServerError ReadServerError(const json::View& body);
/// The same for text that may be no JSON at all (then `found` is false).
ServerError ReadServerError(const std::string& body);

struct Decoded {
  Message message;  ///< Valid when `fault` is kNone. Ids may repeat or be empty: see AdoptReply().
  Usage usage;
  bool usage_known = false;
  std::string model;  ///< As the server named it; may be empty.
  StreamFault fault = StreamFault::kNone;
  ServerError error;   ///< Of kServerError.
  std::string detail;  ///< Of the other faults: what was seen. Untrusted.
};

struct DecoderLimits {
  std::size_t max_text_bytes = 8u << 20;   ///< Text, reasoning and arguments together.
  std::size_t max_body_bytes = 16u << 20;  ///< One event, or a whole body.
};

}  // namespace rune::agent
