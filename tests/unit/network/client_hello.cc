#include "client_hello.h"

#include <string_view>

namespace rune::sandbox::test {
namespace {

constexpr std::string_view kCaptured =
    "16030101240100012003032f7decf321ba69c0eaf897914976cdf5a775d6c4198ac54403b41e402a9e44ac2032dd423853f920d1f93318"
    "ca5f9bca1733adbff1fbc97f370d33aebd4fdce4b5003e130213031301c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023"
    "c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff01000099000b000403000102000a00160014001d0017001e00"
    "19001801000101010201030104002300000016000000170000000d002a0028040305030603080708080809080a080b0804080508060401"
    "05010601030303010302040205020602002b0009080304030303020301002d00020101003300260024001d0020b51a3e4b182ab83413ab"
    "e1898fe3216886923566b617a6478521ebe4603b921e";
/// Where the length of the extensions stands.
constexpr std::size_t kExtensions = 142;

std::size_t ReadNumber(const std::string& bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8 |
         static_cast<unsigned char>(bytes[at + 1]);
}

void WriteNumber(std::string& bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<char>(value >> 8);
  bytes[at + 1] = static_cast<char>(value & 0xff);
}

std::string Framed(const std::string& bytes) {
  std::string framed(2, '\0');
  WriteNumber(framed, 0, bytes.size());
  return framed + bytes;
}

}  // namespace

std::string ClientHello() {
  std::string bytes;
  for (std::size_t i = 0; i < kCaptured.size(); i += 2) {
    const std::string_view kDigits = "0123456789abcdef";
    bytes += static_cast<char>(kDigits.find(kCaptured[i]) << 4 | kDigits.find(kCaptured[i + 1]));
  }
  return bytes;
}

std::string ClientHello(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += '\0' + Framed(name);
  const std::string extension = std::string(2, '\0') + Framed(Framed(list));
  std::string hello = ClientHello();
  // The lengths of the record (RFC 8446 5.1), the handshake message (its upper byte stays 0) and the extensions.
  for (const std::size_t at : {std::size_t{3}, std::size_t{7}, kExtensions}) {
    WriteNumber(hello, at, ReadNumber(hello, at) + extension.size());
  }
  return hello.insert(kExtensions + 2, extension);
}

std::string EarlyData(int records) {
  std::string data;
  for (int i = 0; i < records; ++i)
    data += "\x17\x03\x03\x27\x10" + std::string(10'000, static_cast<char>('a' + i % 26));
  return data;
}

}  // namespace rune::sandbox::test
