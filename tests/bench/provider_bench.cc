/// What the wire formats cost, against simdjson's on-demand parser on the same bytes. provider_bench.py runs it and
/// makes the table.
///
///   provider_bench decode WIRE FILE ROUNDS    a recorded event stream through the decoder, and its events through
///                                             simdjson: milliseconds of each round, taken in turn
///   provider_bench encode WIRE TURNS ROUNDS   a history of TURNS calls and results: milliseconds to normalise, to
///                                             encode, and for simdjson to read what came out
///
/// simdjson reads every value of every event and unescapes every string, as someone must who believes nothing; lines
/// are found with memchr(3). It keeps nothing, checks no protocol, and assembles no message: a floor, not a rival.

#include <simdjson.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/json/json.h"
#include "agent/wires/codec.h"
#include "agent/wires/normalise.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace {

using namespace rune;
using namespace rune::agent;
namespace ondemand = simdjson::ondemand;

constexpr std::size_t kPiece = 16384;  // what libcurl hands over at most

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "provider_bench: %s\n", message.c_str());
  std::exit(1);
}

/// CPU time: whoever else is on the machine does not count.
double MillisecondsOf(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
  };
  const double begin = now();
  work();
  return now() - begin;
}

std::string Array(const std::vector<double>& samples) {
  std::string text = "[";
  for (const double sample : samples) {
    char number[32];
    std::snprintf(number, sizeof number, "%s%.4f", text.size() > 1 ? "," : "", sample);
    text += number;
  }
  return text + "]";
}

/// Reads everything below `value`; the bytes of its strings.
std::size_t Walk(ondemand::value value) {
  std::size_t bytes = 0;
  switch (value.type().value()) {
    case ondemand::json_type::object:
      for (auto field : value.get_object()) {
        bytes += field.unescaped_key().value().size();
        bytes += Walk(field.value().value());
      }
      return bytes;
    case ondemand::json_type::array:
      for (auto element : value.get_array()) bytes += Walk(element.value());
      return bytes;
    case ondemand::json_type::string:
      return value.get_string().value().size();
    case ondemand::json_type::number:
      return static_cast<std::size_t>(value.get_double().value() != 0);
    case ondemand::json_type::boolean:
      return static_cast<std::size_t>(value.get_bool().value());
    case ondemand::json_type::null:
      return 0;
  }
  return 0;
}

std::size_t ParseWhole(ondemand::parser& parser, const char* text, std::size_t size, std::size_t room) {
  ondemand::document document;
  if (parser.iterate(text, size, room).get(document) != simdjson::SUCCESS) Die("simdjson cannot read an event");
  return Walk(document.get_value().value());
}

/// `text` has SIMDJSON_PADDING bytes behind its end.
std::size_t ParseEvents(ondemand::parser& parser, const std::string& text, std::size_t size) {
  std::size_t bytes = 0;
  const char* const end = text.data() + size;
  for (const char* line = text.data(); line < end;) {
    const auto* stop = static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line)));
    if (stop == nullptr) stop = end;
    const std::string_view all(line, static_cast<std::size_t>(stop - line));
    if (all.starts_with("data: {")) {
      bytes +=
          ParseWhole(parser, line + 6, all.size() - 6, static_cast<std::size_t>(text.data() + text.size() - line) - 6);
    }
    line = stop + 1;
  }
  return bytes;
}

void Decode(const Codec& codec, std::string_view text) {
  const auto decoder = codec.decoder("text/event-stream", {});
  std::size_t heard = 0;
  const TextSink sink = [&heard](std::string_view piece) { heard += piece.size(); };
  for (std::size_t at = 0; at < text.size(); at += kPiece) decoder->Feed(text.substr(at, kPiece), sink);
  if (decoder->Finish(sink).fault != StreamFault::kNone || heard == 0) Die("the stream is no answer");
}

int MeasureDecode(Wire wire, const std::string& path, std::int64_t rounds) {
  auto read = ReadFile(path);
  if (!read.ok()) Die(read.error().message);
  const std::size_t size = read->size();
  std::string text = std::move(read).value();
  text.append(simdjson::SIMDJSON_PADDING, '\0');
  ondemand::parser parser;
  std::vector<double> ours;
  std::vector<double> floor;
  std::size_t bytes = 0;
  for (std::int64_t i = 0; i < rounds; ++i) {
    ours.push_back(MillisecondsOf([&] { Decode(CodecOf(wire), std::string_view(text).substr(0, size)); }));
    floor.push_back(MillisecondsOf([&] { bytes += ParseEvents(parser, text, size); }));
  }
  if (bytes == 0) Die("simdjson saw no string");
  std::printf(R"({"bytes":%zu,"decode_ms":%s,"simdjson_ms":%s})"
              "\n",
              size, Array(ours).c_str(), Array(floor).c_str());
  return 0;
}

/// A person's question, then calls with a thought each and results of a kilobyte.
std::vector<Message> History(std::int64_t turns) {
  std::vector<Message> history{MakeText(Role::kSystem, std::string(2000, 's')), MakeText(Role::kUser, "Look around.")};
  const std::string result = [] {
    std::string text;
    while (text.size() < 1000) text += "drwxr-xr-x 2 root root 4096 \"quoted\"\tname \xC3\xBC\n";
    return text;
  }();
  for (std::int64_t i = 0; i < turns; ++i) {
    const std::string id = "call_" + std::to_string(i);
    Message asked{.role = Role::kAssistant, .parts = {}, .origin = "bench/m", .stop = Stop::kToolCalls};
    asked.parts.push_back(Text{"I look at the next one."});
    asked.parts.push_back(ToolCall{id, "execute_cmd", R"({"cmd":"ls -l /some/where","timeout":30})", ""});
    history.push_back(std::move(asked));
    Message told{.role = Role::kTool, .parts = {}, .origin = "", .stop = Stop::kUnknown};
    told.parts.push_back(ToolResult{id, "execute_cmd", result, false, {}});
    history.push_back(std::move(told));
  }
  return history;
}

int MeasureEncode(Wire wire, std::int64_t turns, std::int64_t rounds) {
  const std::vector<Message> history = History(turns);
  const std::vector<ToolSpec> tools{
      {"execute_cmd", "Runs a command.", R"({"type":"object","properties":{"cmd":{"type":"string"}}})"}};
  Caps caps{.wire = wire, .default_max_tokens = 1024};
  caps.cache_marks = wire == Wire::kAnthropicMessages;
  ondemand::parser parser;
  std::vector<double> normalising;
  std::vector<double> encoding;
  std::vector<double> floor;
  std::size_t size = 0;
  for (std::int64_t i = 0; i < rounds; ++i) {
    std::vector<Message> normal;
    std::string body;
    normalising.push_back(MillisecondsOf([&] { normal = Normalise(history, {.origin = "bench/m"}); }));
    encoding.push_back(MillisecondsOf(
        [&] { body = CodecOf(wire).encode("m", {.messages = normal, .tools = tools, .options = {}}, caps).body; }));
    size = body.size();
    body.append(simdjson::SIMDJSON_PADDING, '\0');
    floor.push_back(MillisecondsOf([&] { (void)ParseWhole(parser, body.data(), size, body.size()); }));
  }
  std::printf(R"({"bytes":%zu,"normalise_ms":%s,"encode_ms":%s,"simdjson_ms":%s})"
              "\n",
              size, Array(normalising).c_str(), Array(encoding).c_str(), Array(floor).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4) {
    const auto wire = ParseWire(words[1]);
    const auto rounds = ParseInt(words[3]);
    const auto turns = ParseInt(words[2]);
    if (words[0] == "decode" && wire && rounds) return MeasureDecode(*wire, words[2], *rounds);
    if (words[0] == "encode" && wire && turns && rounds) return MeasureEncode(*wire, *turns, *rounds);
  }
  std::fprintf(stderr, "usage: provider_bench decode WIRE FILE ROUNDS | encode WIRE TURNS ROUNDS\n");
  return 2;
}
