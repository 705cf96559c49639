#include "agent/vision/image_type.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  std::string_view name;
};

constexpr std::array<Magic, 8> kForeign{{{"II*\0"sv, "TIFF"},
                                         {"MM\0*"sv, "TIFF"},
                                         {"BM"sv, "BMP"},
                                         {"\0\0\1\0"sv, "ICO"},
                                         {"\xFF\x0A"sv, "JPEG XL"},
                                         {"\0\0\0\x0CJXL "sv, "JPEG XL"},
                                         {"%PDF-"sv, "PDF"},
                                         {"8BPS"sv, "PSD"}}};

/// ISO base media: a box "ftyp" whose major brand says what it holds (ISO/IEC 14496-12, 4.3).
std::string_view IsoBrand(std::string_view bytes) {
  if (bytes.size() < 12 || bytes.substr(4, 4) != "ftyp") return "";
  const std::string_view brand = bytes.substr(8, 4);
  constexpr std::array kHeic{"heic"sv, "heix"sv, "hevc"sv, "heim"sv, "heis"sv, "hevm"sv, "mif1"sv, "msf1"sv};
  if (brand == "avif" || brand == "avis") return "AVIF";
  return std::find(kHeic.begin(), kHeic.end(), brand) == kHeic.end() ? "" : "HEIC";
}

/// An <svg> element before any other, after declaration, comments and document type.
bool LooksLikeSvg(std::string_view bytes) {
  constexpr std::size_t kPrologue = 4'096;
  std::string_view text = bytes.substr(0, kPrologue);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (true) {
    text = Trim(text);
    if (text.starts_with("<svg")) return true;
    const bool comment = text.starts_with("<!--");
    if (!comment && !text.starts_with("<?xml") && !text.starts_with("<!DOCTYPE")) return false;
    const std::string_view close = comment ? "-->" : ">";
    const std::size_t end = text.find(close);
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + close.size());
  }
}

}  // namespace

std::string_view ImageTypeOf(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1A\n"sv)) return "image/png";
  if (bytes.starts_with("\xFF\xD8\xFF"sv)) return "image/jpeg";
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") return "image/webp";
  return "";
}

std::string_view ForeignPictureOf(std::string_view bytes) {
  if (const std::string_view brand = IsoBrand(bytes); !brand.empty()) return brand;
  if (LooksLikeSvg(bytes)) return "SVG";
  const auto* const found = std::find_if(kForeign.begin(), kForeign.end(),
                                         [bytes](const Magic& magic) { return bytes.starts_with(magic.bytes); });
  return found == kForeign.end() ? "" : found->name;
}

Result<Image> MakeImage(std::string bytes, std::string_view name) {
  const std::string shown = OneLine(name, 120);
  if (bytes.empty()) return Error::Invalid(shown + ": is empty");
  if (bytes.size() > kMaxImageBytes) return Error::Invalid(shown + ": is larger than 5 MiB");
  const std::string_view type = ImageTypeOf(bytes);
  if (!type.empty()) return Image{std::string(type), std::move(bytes)};
  if (const std::string_view foreign = ForeignPictureOf(bytes); !foreign.empty()) {
    return Error::Invalid(shown + ": " + std::string(foreign) + " is no picture that models take; convert it to PNG");
  }
  return Error::Invalid(shown + ": is no PNG, JPEG, GIF or WebP picture");
}

}  // namespace rune::agent
