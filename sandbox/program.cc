#include "sandbox/program.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "sandbox/base/files.h"
#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

/// A script whose interpreter is a script, and so on: the kernel goes five levels deep (execve(2)).
constexpr int kMaxDepth = 5;

/// The first bytes of a file: the kernel reads at most 256 of a "#!" line (BINPRM_BUF_SIZE).
std::string HeadOf(int fd) {
  std::string head(256, '\0');
  const ssize_t n = ::pread(fd, head.data(), head.size(), 0);
  head.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return head;
}

/// The words of a "#!" line: the interpreter and what follows it. Empty when it is no script.
std::vector<std::string> ScriptWords(const std::string& head) {
  if (!head.starts_with("#!")) return {};
  std::vector<std::string> words;
  std::string line = head.substr(2, head.find('\n') - 2);
  std::replace(line.begin(), line.end(), '\t', ' ');
  for (const std::string_view word : Split(line, ' ')) {
    if (!Trim(word).empty()) words.emplace_back(Trim(word));
  }
  return words;
}

/// The program that "env [-S] [-options] [NAME=value ...] program" runs; empty when there is none.
std::string EnvTarget(const std::vector<std::string>& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!words[i].starts_with("-") && words[i].find('=') == std::string::npos) return words[i];
  }
  return "";
}

/// The dynamic loader that the kernel starts in place of the program: PT_INTERP of elf(5). Empty when static.
std::string ElfInterpreter(int fd, const std::string& head) {
  Elf64_Ehdr header{};
  if (head.size() < sizeof header || head.compare(0, SELFMAG, ELFMAG) != 0 || head[EI_CLASS] != ELFCLASS64) return "";
  std::memcpy(&header, head.data(), sizeof header);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const auto offset = static_cast<off_t>(header.e_phoff + std::uint64_t{i} * header.e_phentsize);
    if (::pread(fd, &segment, sizeof segment, offset) != static_cast<ssize_t>(sizeof segment)) return "";
    if (segment.p_type != PT_INTERP || segment.p_filesz == 0 || segment.p_filesz > PATH_MAX) continue;
    std::string path(segment.p_filesz, '\0');
    if (::pread(fd, path.data(), path.size(), static_cast<off_t>(segment.p_offset)) < 0) return "";
    return path.c_str();  // the string in the file ends with a NUL
  }
  return "";
}

/// What a program starts by itself and cannot work without.
struct Helpers {
  std::vector<std::string> dirs;
  std::vector<std::string> programs;
};

/// True for gcc, x86_64-linux-gnu-g++-12, cc, clang-19, ...
bool IsCompiler(std::string name) {
  const std::size_t version = name.find_last_not_of("0123456789.");
  if (version != std::string::npos && name[version] == '-') name.resize(version);
  constexpr std::string_view kNames[] = {"gcc", "g++", "cc", "c++", "cpp", "gfortran", "clang", "clang++"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view known) { return name == known || name.ends_with("-" + std::string(known)); });
}

Helpers HelpersOf(const std::string& name) {
  // Some of its commands are scripts, and it starts hooks, aliases and the other side of a local clone by a shell.
  if (name == "git") return {{"/usr/lib/git-core", "/usr/libexec/git-core"}, {"/bin/sh"}};
  if (IsCompiler(name)) return {{"/usr/lib/gcc", "/usr/libexec/gcc"}, {"as", "ld"}};
  if (name == "make") return {{}, {"/bin/sh"}};  // every recipe line that is more than words
  return {};
}

class Collector {
 public:
  /// Adds `path` and what it needs. False when it is no file.
  bool Add(const std::string& path, int depth) {
    const auto real = RealPath(path);
    if (!real || depth > kMaxDepth) return false;
    if (Contains(files_, *real)) return true;
    const auto fd = OpenFile(*real, O_RDONLY);
    // Without permission to read it there is nothing more to learn; the kernel will say no as well.
    files_.push_back(*real);
    if (!fd.ok()) return true;
    const std::string head = HeadOf(fd->get());
    if (const std::string loader = ElfInterpreter(fd->get(), head); !loader.empty()) Add(loader, depth + 1);
    if (const auto words = ScriptWords(head); !words.empty()) AddInterpreter(words, depth);
    for (const std::string_view name : {FileName(path), FileName(*real)})
      AddHelpers(HelpersOf(std::string(name)), depth);
    return true;
  }

  std::vector<std::string> Take() {
    std::sort(files_.begin(), files_.end());
    return std::move(files_);
  }

 private:
  void AddInterpreter(const std::vector<std::string>& words, int depth) {
    Add(words[0], depth + 1);
    if (FileName(words[0]) != "env") return;
    if (const std::string target = FindProgram(EnvTarget(words)); !target.empty()) Add(target, depth + 1);
  }

  void AddHelpers(const Helpers& helpers, int depth) {
    for (const std::string& dir : helpers.dirs) {
      const auto real = RealPath(dir);
      if (real) AddOnce(files_, *real);
    }
    for (const std::string& name : helpers.programs) {
      if (const std::string path = FindProgram(name); !path.empty()) Add(path, depth + 1);
    }
  }

  std::vector<std::string> files_;
};

bool IsProgram(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         (info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

}  // namespace

Result<std::vector<std::string>> ProgramFiles(std::string_view name) {
  const std::string path = FindProgram(name);
  Collector collector;
  if (path.empty() || !collector.Add(path, 0)) return Error::Invalid("no program '" + OneLine(name) + "'");
  return collector.Take();
}

std::vector<std::string> DynamicLoaders() {
  std::vector<std::string> out;
  for (const char* path : {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1",
                           "/lib/ld-musl-aarch64.so.1"}) {
    if (auto real = RealPath(path)) AddOnce(out, *std::move(real));
  }
  return out;
}

std::vector<std::string> ScriptInterpreter(const std::string& path) {
  const auto fd = OpenFile(path, O_RDONLY | O_NONBLOCK);
  if (!fd.ok()) return {};
  std::vector<std::string> words = ScriptWords(HeadOf(fd->get()));
  for (std::size_t i = 2; i < words.size(); ++i) words[1] += " " + words[i];
  if (words.size() > 2) words.resize(2);
  return words;
}

std::string FindProgram(std::string_view name, std::string_view search) {
  if (name.empty()) return "";
  if (name.find('/') != std::string_view::npos) {
    const std::string path(name);
    return IsProgram(path) ? path : "";
  }
  for (const std::string_view dir : Split(search, ':')) {
    std::string path = std::string(dir) + "/" + std::string(name);
    if (IsProgram(path)) return path;
  }
  return "";
}

}  // namespace rune::sandbox
