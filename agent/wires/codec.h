#pragma once
/// What every wire codec hands back, whichever protocol it speaks. Codecs are pure: bytes in, a message out.

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/conversation/model.h"
#include "agent/wires/caps.h"
#include "agent/wires/server_error.h"

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

/// What goes out, but for the host and the headers.
struct WireRequest {
  std::string path;  ///< Behind the base URL, where it depends on the request; empty: WireFormat::path.
  std::string body;
};

/// The two halves of a wire format. Request k of a conversation, less its closing brackets, is a byte prefix of request
/// k+1: servers' prompt caches depend on it. `request.messages` must be normalised.
struct Codec {
  WireRequest (*encode)(const std::string& model, const ModelRequest& request, const Caps& caps);
  std::unique_ptr<Decoder> (*decoder)(const std::string& content_type, const DecoderLimits& limits);
};

/// How a list that comes in pages says that there is another.
struct Paging {
  std::string_view parameter;  ///< Of the next request; empty: there are no pages.
  std::string_view token;      ///< The member whose text is its value.
  std::string_view more = "";  ///< The member that is true while there are more; empty: a token says it.
};

/// A row of wires.inc: all that there is to say of a wire format outside its own files.
struct WireFormat {
  std::string_view name;                                   ///< As `wire` names it, in settings and in `caps`.
  std::string_view path = "";                              ///< Of a request, behind the base URL; see WireRequest.
  std::string_view key_header = "Authorization: Bearer ";  ///< What the key stands behind.
  std::string_view header = "";                            ///< "Name: value" of every request; empty: none.
  std::string_view models_path = "/models";                ///< Of the list of models, in pages as large as can be.
  Paging paging = {};
  std::uint64_t max_image_bytes = std::numeric_limits<std::uint64_t>::max();  ///< Of one picture, before base64.
  Codec codec;
};
const WireFormat& FormatOf(Wire wire);
inline const Codec& CodecOf(Wire wire) { return FormatOf(wire).codec; }
/// "Name: value", of every request: the wire's own, then those of `caps`.
std::vector<std::string> HeadersOf(const Caps& caps);

#define RUNE_WIRE(id, ...)                                                                         \
  WireRequest Encode##id(const std::string& model, const ModelRequest& request, const Caps& caps); \
  std::unique_ptr<Decoder> Make##id##Decoder(const std::string& content_type, const DecoderLimits& limits);
#include "agent/wires/wires.inc"

}  // namespace rune::agent
