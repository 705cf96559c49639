#pragma once
/// From what a person names, a file, an https:// URL or a data: URI, to the picture itself. Only for names that the
/// user gave: what a model or a tool says is never loaded here.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/http/client.h"
#include "agent/policy/policy.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct ImageOptions {
  std::string cwd;   ///< Relative paths are below it.
  std::string home;  ///< "~/"; empty: there is none.
  std::uint32_t max_images = 10;
};

/// Whose words a text is: decides which files it may name.
enum class Author : std::uint8_t {
  kUser,   ///< Typed, or an argument: any file that the user can read.
  kPiped,  ///< Came through a pipe, and may be anybody's: only what tools may read, too.
};

struct IllustratedPrompt {
  std::string text;
  std::vector<Image> images;
};

/// A reference in a prompt: text[begin, end) is "@cat.png" with its quotes. Pure.
struct ImageReference {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string name;
};
/// Every @word that could be one, in order; whether there is such a file is not asked. An @ inside a word (an e-mail
/// address) begins none.
std::vector<ImageReference> FindImageReferences(std::string_view text);

/// A picture of a "data:" URI (RFC 2397), base64. kInvalidInput.
Result<Image> DecodeDataUri(std::string_view uri);

class ImageLoader {
 public:
  /// Both are borrowed. A URL is fetched only when its host is in allowed_domains.
  ImageLoader(EventLoop& loop, const Policy& policy, ImageOptions options)
      : loop_(loop), policy_(policy), options_(std::move(options)) {}

  /// kInvalidInput (missing, empty, too large, no picture, not to be had from the server), kDenied (domain, path),
  /// kCancelled; one line that begins with the name.
  Result<Image> Load(const std::string& reference, Author author = Author::kUser) const;

  /// `attached`, and then what every @reference in `text` names: `@cat.png`, `@"a cat.png"`, `@https://...`,
  /// `@data:image/png;base64,...`. An @word that is no existing picture file stays text. Errors as Load(), and for more
  /// than max_images.
  Result<IllustratedPrompt> Illustrate(const std::string& text, std::vector<Image> attached,
                                       Author author = Author::kUser) const;

 private:
  Result<Image> LoadFile(const std::string& reference, Author author) const;
  Result<Image> Fetch(const std::string& url) const;
  std::string PathOf(std::string_view reference) const;
  bool IsPictureFile(std::string_view reference) const;
  std::string NameIn(const ImageReference& reference) const;

  EventLoop& loop_;
  const Policy& policy_;
  ImageOptions options_;
};

}  // namespace rune::agent
