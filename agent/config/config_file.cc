#include "agent/config/config_file.h"

#include <fcntl.h>

#include "sandbox/base/files.h"

namespace rune::agent {

Result<std::optional<ConfigFile>> ReadConfigFile(const std::string& path, std::string name) {
  constexpr std::size_t kMaxBytes = 1u << 20;
  // Not blocking: a FIFO of that name must not hang the program.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<ConfigFile>();
    return Error::Invalid(Error::FromErrno(name).message);
  }
  ConfigFile file{.name = std::move(name)};
  if (::fstat(fd.get(), &file.status) != 0) return Error::FromErrno(file.name);
  if (!S_ISREG(file.status.st_mode)) return Error::Invalid(file.name + ": is not a plain file");
  auto text = ReadAll(fd.get(), kMaxBytes);
  if (!text.ok()) return std::move(text).error().Wrap(file.name);
  RUNE_ASSIGN_OR_RETURN(file.entries, ParseToml(*text, file.name));
  return std::optional<ConfigFile>(std::move(file));
}

}  // namespace rune::agent
