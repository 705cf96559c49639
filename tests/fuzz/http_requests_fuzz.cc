/// The client's side of HTTP: however the bytes are cut, the same requests are seen and the same bytes pass, in order.

#include "sandbox/network/http_requests.h"
#include "tests/fuzz/fuzz.h"

namespace {

struct Outcome {
  rune::sandbox::HttpRequests::State state = rune::sandbox::HttpRequests::State::kReading;
  std::string passed;
  std::string asked;
  std::string reason;
  bool operator==(const Outcome&) const = default;
};

Outcome Feed(std::string_view text, std::size_t piece) {
  Outcome out;
  rune::sandbox::HttpRequests requests([&](const std::string& host, std::uint16_t port) {
    out.asked += host + " " + std::to_string(port) + "\n";
    return !host.starts_with('e');
  });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    out.state = requests.Feed(text.substr(at, piece));
    out.passed += requests.TakePassed();
  }
  out.reason = requests.reason();
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = rune::fuzz::AsText(data + 1, size - 1);
  const Outcome whole = Feed(text, text.size() + 1);
  rune::fuzz::Expect(text.starts_with(whole.passed), "what passes is what was sent");
  rune::fuzz::Expect(whole.passed.empty() || !whole.asked.empty(), "nothing passes unasked");
  rune::fuzz::Expect(Feed(text, 1) == whole, "byte by byte is the same as whole");
  rune::fuzz::Expect(Feed(text, static_cast<std::size_t>(data[0]) + 1) == whole, "pieces are the same as whole");
  return 0;
}
