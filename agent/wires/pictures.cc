#include "agent/wires/pictures.h"

#include <array>
#include <cstdio>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

/// "3.75 MiB", of hundredths of a MiB.
std::string MiB(std::uint64_t hundredths) {
  std::array<char, 40> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.2f MiB", static_cast<double>(hundredths) / 100);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string PictureProblem(const std::vector<Part>& prompt, const std::string& model, const Caps& caps) {
  const std::string name = OneLine(model, 100);
  for (const Part& part : prompt) {
    const auto* const image = std::get_if<Image>(&part);
    if (image == nullptr) continue;
    if (!caps.images) return "model " + name + " takes no pictures; nothing was sent";
    const std::uint64_t most = MaxImageBytes(caps);
    if (image->data.size() > most) {
      constexpr std::uint64_t kMiB = 1u << 20;
      return "a picture of " + MiB((image->data.size() * 100 + kMiB - 1) / kMiB) + " is larger than the " +
             MiB(most * 100 / kMiB) + " that model " + name + " takes: make it smaller; nothing was sent";
    }
  }
  return "";
}

}  // namespace rune::agent
