/// The TLS server name: a verdict stands once it is reached, however little more arrives.

#include "sandbox/domain_allowlist.h"
#include "sandbox/network/tls_hello.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using State = rune::sandbox::TlsHello::State;
  const std::string_view bytes = rune::fuzz::AsText(data, size);
  const auto whole = rune::sandbox::ReadTlsHello(bytes);
  rune::fuzz::Expect((whole.state == State::kName) == !whole.name.empty(), "a name comes with its state");
  rune::fuzz::Expect(whole.name.empty() || rune::sandbox::NormalizeHostName(whole.name) == whole.name,
                     "a name is normalised");
  const std::size_t step = size / 64 + 1;
  for (std::size_t at = 0; at < size; at += step) {
    const auto part = rune::sandbox::ReadTlsHello(bytes.substr(0, at));
    if (part.state == State::kIncomplete) continue;
    rune::fuzz::Expect(part.state == whole.state && part.name == whole.name, "a verdict stands");
  }
  return 0;
}
