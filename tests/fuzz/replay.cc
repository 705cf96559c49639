/// Plays every file of the given directories through a fuzz target, whole and cut short, in place of libFuzzer.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/base/files.h"
#include "tests/fuzz/fuzz.h"

namespace {

void Play(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t played = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      const auto read = rune::ReadFile(entry.path().string());
      if (!read.ok()) return 1;
      const std::string& bytes = *read;
      Play(bytes);
      // Truncation is the commonest damage there is.
      const std::size_t step = std::max<std::size_t>(1, bytes.size() / 64);
      for (std::size_t length = 0; length < bytes.size(); length += step) Play(bytes.substr(0, length));
      ++played;
    }
  }
  std::printf("%zu inputs\n", played);
  return played == 0 ? 1 : 0;
}
