#pragma once
/// The beginnings of picture files.

#include <string>

namespace rune::agent {

inline std::string Png() { return std::string("\x89PNG\r\n\x1A\n\0\0\0\rIHDR", 16); }
inline std::string Jpeg() { return "\xFF\xD8\xFF\xE0 jpeg"; }
inline std::string Gif() { return "GIF89a gif"; }
inline std::string Webp() { return std::string("RIFF\x10\0\0\0WEBPVP8 ", 16); }

}  // namespace rune::agent
