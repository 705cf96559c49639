#pragma once
/// What a picture is, told from its first bytes and never from its name. Pure.

#include <string>
#include <string_view>

#include "agent/conversation/message.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// Providers refuse more; some take less (Caps::max_image_bytes).
inline constexpr std::size_t kMaxImageBytes = 5u << 20;

/// "image/png", "image/jpeg", "image/gif", "image/webp": what models take. Empty: anything else.
std::string_view ImageTypeOf(std::string_view bytes);

/// "SVG", "HEIC", "AVIF", "TIFF", "BMP", "ICO", "JPEG XL", "PDF": a picture to people, but not to models. Empty:
/// anything else.
std::string_view ForeignPictureOf(std::string_view bytes);

/// Typed and checked. kInvalidInput "<name>: SVG is no picture that models take; convert it to PNG", and so on: one
/// line, `name` made safe.
Result<Image> MakeImage(std::string bytes, std::string_view name);

}  // namespace rune::agent
