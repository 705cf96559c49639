#pragma once
/// Where the tests find rune-sandbox: beside the test program, so that a copied build tree works wherever it lies.

#include <filesystem>
#include <string>

namespace rune {

inline std::string SandboxHelper() {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename("rune-sandbox").string();
}

}  // namespace rune
