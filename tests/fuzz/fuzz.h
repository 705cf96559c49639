#pragma once
/// What every fuzz target shares. A target is one function LLVMFuzzerTestOneInput (libFuzzer's name), linked either
/// with libFuzzer or with replay.cc, which plays the corpus once.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace rune::fuzz {

inline std::string_view AsText(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};  // NOLINT: bytes are bytes
}

/// Ends the process loudly: the fuzzer keeps the input that led here.
inline void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

}  // namespace rune::fuzz
