#include "agent/vision/image_loader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

#include "agent/policy/domain.h"
#include "agent/vision/image_type.h"
#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"

namespace rune::agent {
namespace {

constexpr std::size_t kHeadBytes = 4'096;
constexpr Milliseconds kFetchTime{30'000};
/// What people put behind a file's name in a sentence.
constexpr std::string_view kPunctuation = ".,;:!?)]}>\"'`";

bool IsUrl(std::string_view reference) { return reference.starts_with("http://") || reference.starts_with("https://"); }
bool IsDataUri(std::string_view reference) { return reference.starts_with("data:image/"); }

/// A file that is called a picture is meant as one, also when it is none.
bool HasPictureName(std::string_view path) {
  constexpr std::array<std::string_view, 14> kEndings{".png",  ".jpg",  ".jpeg", ".gif", ".webp", ".svg",  ".heic",
                                                      ".heif", ".avif", ".bmp",  ".ico", ".tif",  ".tiff", ".jxl"};
  const std::string lower = ToLower(path);
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return lower.ends_with(ending); });
}

/// Neither waits for a FIFO's writer nor becomes a terminal's process.
Result<UniqueFd> OpenRegular(const std::string& path) {
  RUNE_ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return Error::FromErrno(path);
  if (S_ISDIR(status.st_mode)) return Error::FromErrno(path, EISDIR);
  if (!S_ISREG(status.st_mode)) return Error::Invalid(path + ": is no regular file");
  return fd;
}

/// "*" is the whole network, but an address or "localhost" has to be named.
bool DomainListed(const PolicyConfig& config, const Url& url) {
  std::vector<std::string> entries = config.allowed_domains;
  if (url.host == "localhost" || url.host.ends_with(".localhost")) std::erase(entries, "*");
  const auto rules = sandbox::DomainAllowlist::Parse(entries);
  return rules.ok() && IsListed(*rules, url);
}

std::string FailureText(const HttpOutcome& outcome) {
  if (outcome.status >= 300 && outcome.status < 400) return "the server redirects, which is not followed";
  if (outcome.failure == HttpFailure::kNone) return "the server answers " + std::to_string(outcome.status);
  return outcome.detail.empty() ? "there is no complete answer" : OneLine(outcome.detail);
}

}  // namespace

std::string ImageLoader::PathOf(std::string_view reference) const {
  return NormalizePath(ExpandHome(reference, options_.home), options_.cwd);
}

bool ImageLoader::IsPictureFile(std::string_view reference) const {
  if (reference.empty() || reference.find('\0') != std::string_view::npos) return false;
  const std::string path = PathOf(reference);
  const auto fd = OpenRegular(path);
  if (!fd.ok()) return false;
  std::string head(kHeadBytes, '\0');
  const ssize_t size = RetryOnEintr([&] { return ::pread(fd->get(), head.data(), head.size(), 0); });
  head.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return !ImageTypeOf(head).empty() || HasPictureName(path);
}

Result<Image> ImageLoader::LoadFile(const std::string& reference, Author author) const {
  const std::string shown = OneLine(reference, 120);
  std::string path = PathOf(reference);
  if (author == Author::kPiped) {
    // Links resolved: a link in a checkout leads anywhere.
    if (auto real = RealPath(path)) path = *std::move(real);
    if (const Verdict verdict = policy_.CheckRead(path); !verdict.allowed()) {
      const Refusal& refusal = verdict.refusal ? *verdict.refusal : *verdict.question;
      return Error{ErrorKind::kDenied, shown + ": " + OneLine(refusal.message, 300)};
    }
  }
  auto fd = OpenRegular(path);
  if (!fd.ok()) return Error::Invalid(OneLine(fd.error().message, 300));
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0) return Error::FromErrno(shown);
  if (static_cast<std::uint64_t>(status.st_size) > kMaxImageBytes)
    return Error::Invalid(shown + ": is larger than 5 MiB");
  auto bytes = ReadAll(fd->get(), kMaxImageBytes);
  if (!bytes.ok()) return std::move(bytes).error().Wrap(shown);
  return MakeImage(std::move(*bytes), reference);
}

Result<Image> ImageLoader::Fetch(const std::string& url) const {
  const std::string shown = OneLine(url, 120);
  const auto parsed = ParseUrl(url);
  if (!parsed.ok()) return Error::Invalid(shown + ": " + parsed.error().message);
  if (policy_.mode() != PolicyMode::kUnrestricted && !DomainListed(policy_.config(), *parsed)) {
    return Error{ErrorKind::kDenied, shown + ": domain '" + parsed->host + "' is not in allowed_domains"};
  }
  HttpClient client(loop_);
  std::string bytes;
  bool too_large = false;
  std::optional<HttpOutcome> outcome;
  HttpRequest request;
  request.url = parsed->text;
  request.headers = {"Accept: image/png, image/jpeg, image/gif, image/webp"};
  request.timeouts.deadline = Clock::now() + kFetchTime;
  const HttpClient::RequestId id =
      client.Start(std::move(request), {.on_headers = {},
                                        .on_body =
                                            [&](std::string_view piece) {
                                              too_large = too_large || bytes.size() + piece.size() > kMaxImageBytes;
                                              if (!too_large) bytes += piece;
                                            },
                                        .on_done = [&](const HttpOutcome& done) { outcome = done; }});
  const auto wake = loop_.RunUntil([&] { return outcome.has_value() || too_large; });
  client.Cancel(id);
  if (wake == EventLoop::Wake::kInterrupted) return Error{ErrorKind::kCancelled, "interrupted"};
  if (too_large) return Error::Invalid(shown + ": is larger than 5 MiB");
  const bool whole = outcome->failure == HttpFailure::kNone && outcome->status >= 200 && outcome->status < 300;
  if (!whole) return Error::Invalid(shown + ": " + FailureText(*outcome));
  return MakeImage(std::move(bytes), url);
}

Result<Image> ImageLoader::Load(const std::string& reference, Author author) const {
  if (IsUrl(reference)) return Fetch(reference);
  if (IsDataUri(reference)) return DecodeDataUri(reference);
  return LoadFile(reference, author);
}

std::string ImageLoader::NameIn(const ImageReference& reference) const {
  const bool remote = IsUrl(reference.name) || IsDataUri(reference.name);
  std::string name = reference.name;
  // "Look at @cat.png." and "(@cat.png)": the name ends where a file's name does.
  while (!name.empty() && (remote || !IsPictureFile(name)) &&
         kPunctuation.find(name.back()) != std::string_view::npos) {
    name.pop_back();
  }
  return remote || IsPictureFile(name) ? name : "";
}

Result<IllustratedPrompt> ImageLoader::Illustrate(const std::string& text, std::vector<Image> attached,
                                                  Author author) const {
  IllustratedPrompt prompt{"", std::move(attached)};
  std::size_t copied = 0;
  for (const ImageReference& found : FindImageReferences(text)) {
    const std::string name = NameIn(found);
    if (name.empty()) continue;
    RUNE_ASSIGN_OR_RETURN(Image image, Load(name, author));
    prompt.images.push_back(std::move(image));
    if (prompt.images.size() > options_.max_images) break;
    if (!IsDataUri(name)) continue;  // the model sees what the picture was called
    prompt.text.append(text, copied, found.begin - copied);
    prompt.text += "[picture " + std::to_string(prompt.images.size()) + "]";
    copied = found.end;
  }
  if (prompt.images.size() > options_.max_images) {
    return Error::Invalid("more than " + std::to_string(options_.max_images) + " pictures (max_images)");
  }
  prompt.text.append(text, copied, std::string::npos);
  return prompt;
}

}  // namespace rune::agent
