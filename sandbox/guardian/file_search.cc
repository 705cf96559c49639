#include "sandbox/guardian/file_search.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <regex.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/guardian/utf16_text.h"

namespace rune::sandbox {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxFile = 16u << 20;
constexpr std::size_t kMaxLine = 500;
constexpr std::size_t kMaxVisited = 500'000;

/// Calls `visit` with each path relative to the root, files and directories, in byte order. It returns false to stop.
class Walker {
 public:
  explicit Walker(std::function<bool(const std::string& path, bool is_file)> visit) : visit_(std::move(visit)) {}

  /// Directories that could not be entered.
  std::size_t closed() const { return closed_; }

  bool Walk(const std::string& root) {
    UniqueFd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return false;
    Descend(std::move(fd), "", 0);
    return true;
  }

 private:
  void Descend(UniqueFd fd, const std::string& prefix, int depth) {
    DIR* dir = ::fdopendir(fd.Release());
    if (dir == nullptr) return;
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string name = entry->d_name;
      if (name != "." && name != ".." && name != ".git") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      struct stat info{};
      if (stopped_ || ::fstatat(::dirfd(dir), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      stopped_ = ++visited_ > kMaxVisited || !visit_(prefix + name, S_ISREG(info.st_mode));
      if (stopped_ || !S_ISDIR(info.st_mode) || depth >= kMaxDepth) continue;
      UniqueFd child(::openat(::dirfd(dir), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (child.valid()) {
        Descend(std::move(child), prefix + name + "/", depth + 1);
      } else {
        ++closed_;
      }
    }
    ::closedir(dir);
  }

  std::function<bool(const std::string&, bool)> visit_;
  std::size_t visited_ = 0;
  std::size_t closed_ = 0;
  bool stopped_ = false;
};

bool MatchSegments(const std::vector<std::string_view>& pattern, std::size_t p,
                   const std::vector<std::string_view>& path, std::size_t i) {
  if (p == pattern.size()) return i == path.size();
  if (pattern[p] == "**") {
    for (std::size_t skip = i; skip <= path.size(); ++skip) {
      if (MatchSegments(pattern, p + 1, path, skip)) return true;
    }
    return false;
  }
  if (i == path.size()) return false;
  if (::fnmatch(std::string(pattern[p]).c_str(), std::string(path[i]).c_str(), 0) != 0) return false;
  return MatchSegments(pattern, p + 1, path, i + 1);
}

/// Owns a compiled expression.
class Expression {
 public:
  explicit Expression(const std::string& text) : error_(::regcomp(&regex_, text.c_str(), REG_EXTENDED | REG_NOSUB)) {}
  ~Expression() {
    if (error_ == 0) ::regfree(&regex_);
  }
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;
  std::string error() const {
    if (error_ == 0) return "";
    char text[128] = {};
    ::regerror(error_, &regex_, text, sizeof text);
    return std::string("bad expression: ") + text;
  }
  bool Matches(const std::string& line) const { return ::regexec(&regex_, line.c_str(), 0, nullptr, 0) == 0; }

 private:
  regex_t regex_{};
  int error_;
};

/// What was not looked at is said: "nothing matches" would be a false answer.
std::string Closed(std::size_t places) {
  return places == 0 ? "" : "[" + std::to_string(places) + " places could not be read and were left out]\n";
}

}  // namespace

std::string OneName(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return name;
}

bool LooksBinary(std::string_view data) {
  const std::string_view head = data.substr(0, 8 << 10);
  if (head.find('\0') != std::string_view::npos) return true;
  const auto controls = std::count_if(head.begin(), head.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != '\x1b' &&
           c != '\b';
  });
  return static_cast<std::size_t>(controls) * 10 > head.size();
}

bool MatchesGlob(std::string_view pattern, std::string_view path) {
  auto segments = Split(pattern, '/');
  // "**/**" says no more than "**", and each one costs a factor.
  segments.erase(std::unique(segments.begin(), segments.end(), [](auto a, auto b) { return a == "**" && b == "**"; }),
                 segments.end());
  if (std::count(segments.begin(), segments.end(), "**") > 4) return false;
  if (segments.size() == 1) segments.insert(segments.begin(), "**");
  return MatchSegments(segments, 0, Split(path, '/'), 0);
}

bool FindFiles(const std::string& root, const std::string& glob, std::size_t limit, SearchReport& report) {
  std::size_t found = 0;
  Walker walker([&](const std::string& path, bool) {
    if (MatchesGlob(glob, path) && ++found <= limit) report.text += OneName(path) + "\n";
    return true;
  });
  if (!walker.Walk(root)) return false;
  if (found == 0) report.text = "[nothing matches]\n";
  if (found > limit) report.text += "[" + std::to_string(found - limit) + " more]\n";
  report.text += Closed(walker.closed());
  return true;
}

bool SearchFiles(const SearchQuery& query, SearchReport& report) {
  const Expression expression(query.expression);
  if (!expression.error().empty()) {
    report.text = expression.error();
    return false;
  }
  std::size_t found = 0;
  std::size_t closed = 0;
  const auto search_file = [&](const std::string& path) {
    auto data = ReadFile(query.root + "/" + path, kMaxFile);
    if (!data.ok()) ++closed;
    if (auto text = data.ok() ? Utf8FromUtf16(*data) : std::nullopt) data = *std::move(text);
    if (!data.ok() || LooksBinary(*data)) return;
    std::size_t number = 0;
    for (const std::string_view line : Split(*data, '\n')) {
      ++number;
      if (!expression.Matches(std::string(line))) continue;
      if (++found > query.limit) return;
      report.text +=
          OneName(path) + ":" + std::to_string(number) + ":" + std::string(Utf8Prefix(line, kMaxLine)) + "\n";
    }
  };
  struct stat info{};
  if (::stat(query.root.c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
    report.text = "the place to search is a file; give its directory, and its name as glob";
    return false;
  }
  Walker walker([&](const std::string& path, bool is_file) {
    if (is_file && (query.glob.empty() || MatchesGlob(query.glob, path))) search_file(path);
    return found <= query.limit;
  });
  if (!walker.Walk(query.root)) return false;
  if (found == 0) report.text = "[nothing matches]\n";
  if (found > query.limit) report.text += "[more lines match; narrow the expression or the glob]\n";
  report.text += Closed(closed + walker.closed());
  return true;
}

}  // namespace rune::sandbox
