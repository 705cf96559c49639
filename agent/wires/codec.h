#pragma once
/// What every wire codec hands back, whichever protocol it speaks. Codecs are pure: bytes in, a message out.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/conversation/model.h"
#include "agent/json/json.h"
#include "agent/wires/caps.h"

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
  std::string code;         ///< A word, or empty.
  std::string retry_delay;  ///< Google's RetryInfo: "34.4s"; or empty.
  int status = 0;           ///< An HTTP status that the object itself names, or 0.
  bool found = false;
};
/// Understands {"error":{...}}, {"error":"text"}, {"object":"error",...}, {"message":...}, {"detail":...} and the same
/// inside an array.
ServerError ReadServerError(const json::View& body);
/// The same for text that may be no JSON at all (then `found` is false).
ServerError ReadServerError(const std::string& body);

struct Decoded {
  Message message;  ///< Valid when `fault` is kNone. Ids may repeat or be empty: see AdoptReply().
  Usage usage;      ///< With a fault, what was counted until then.
  bool usage_known = false;
  std::string model;  ///< As the server named it; may be empty.
  StreamFault fault = StreamFault::kNone;
  ServerError error;   ///< Of kServerError.
  std::string detail;  ///< Of the other faults: what was seen. Untrusted.
};

struct DecoderLimits {
  std::size_t max_text_bytes = 8u << 20;   ///< Text, reasoning and arguments together.
  std::size_t max_body_bytes = 16u << 20;  ///< One event, or a whole body.
  std::size_t max_calls = 256;             ///< Of one answer.
  std::size_t max_parts = 4096;            ///< Of any kind; among them a piece of a stream is searched for its own.
};

/// Takes a response as it arrives, cut anywhere, streamed or whole. Pure: no I/O, no clock.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// `on_text` may be empty.
  virtual void Feed(std::string_view bytes, const TextSink& on_text) = 0;
  /// Nothing that may still come can change the result.
  virtual bool settled() const = 0;
  /// Bytes of text, reasoning and arguments so far. A stream of which this does not grow makes no progress.
  virtual std::size_t content_bytes() const = 0;
  /// The response has ended, or nobody waits for the rest. Once.
  virtual Decoded Finish(const TextSink& on_text) = 0;
};

/// What goes out, but for the host and the key.
struct WireRequest {
  std::string path;                  ///< Added to the base URL: "/chat/completions".
  std::vector<std::string> headers;  ///< "Name: value", without those that carry the key.
  std::string body;
};

/// One wire format. Request k of a conversation, less its closing brackets, is a byte prefix of request k+1: servers'
/// prompt caches depend on it. `request.messages` must be normalised.
struct Codec {
  WireRequest (*encode)(const std::string& model, const ModelRequest& request, const Caps& caps);
  std::unique_ptr<Decoder> (*decoder)(const std::string& content_type, const DecoderLimits& limits);
};
const Codec& CodecOf(Wire wire);

}  // namespace rune::agent
