#include "agent/policy/programs.h"

#include <algorithm>
#include <array>

#include "sandbox/base/list.h"

namespace rune::agent {
namespace {

using std::string_view;

constexpr std::array<WrapperSyntax, 26> kWrappers{{
    {.name = "busybox"},
    {.name = "chrt", .valued = "TPD", .operands = 1},
    {.name = "chroot", .operands = 1},
    {.name = "command"},
    {.name = "doas", .valued = "uC"},
    {.name = "env",
     .valued = "uC",
     .valued_long = "--unset --chdir",
     .assignments = true,
     .refused = "-S --split-string"},
    {.name = "exec", .valued = "a"},
    {.name = "flock",
     .valued = "wE",
     .valued_long = "--timeout --conflict-exit-code",
     .operands = 1,
     .refused = "-c --command"},
    {.name = "ionice", .valued = "cnpPu", .valued_long = "--class --classdata"},
    {.name = "ltrace", .valued = "abeopsuxFAnSlDw"},
    {.name = "nice", .valued = "n", .valued_long = "--adjustment"},
    {.name = "nohup"},
    {.name = "nsenter", .valued = "tSG", .valued_long = "--target --setuid --setgid"},
    {.name = "pkexec", .valued_long = "--user"},
    {.name = "prlimit", .valued = "po"},
    {.name = "runuser", .valued = "ugG", .refused = "-c --command -l --login -"},
    {.name = "setarch", .operands = 1},
    {.name = "setpriv"},
    {.name = "setsid"},
    {.name = "stdbuf", .valued = "ioe", .valued_long = "--input --output --error"},
    {.name = "strace", .valued = "abeopsuEIOPSUX"},
    {.name = "sudo",
     .valued = "ughpCrtTUDR",
     .valued_long = "--user --group --host --prompt --chdir",
     .assignments = true,
     .refused = "-s --shell -i --login -e --edit"},
    {.name = "taskset", .operands = 1},
    {.name = "time", .valued = "of", .valued_long = "--output --format"},
    {.name = "timeout", .valued = "ks", .valued_long = "--kill-after --signal", .operands = 1},
    {.name = "unshare", .valued = "RwSG"},
}};

constexpr std::array<string_view, 69> kRunsOthers{
    "ansible", "apt",   "apt-get",  "ar",        "at",      "awk",    "bundle", "c++",      "cargo",  "cc",
    "clang",   "cmake", "composer", "cpio",      "crontab", "csh",    "ctest",  "dc",       "docker", "dpkg",
    "ed",      "emacs", "entr",     "ex",        "expect",  "find",   "g++",    "gawk",     "gcc",    "gdb",
    "git",     "go",    "gradle",   "jq",        "julia",   "less",   "lua",    "make",     "man",    "mawk",
    "more",    "mvn",   "nc",       "ninja",     "node",    "npm",    "npx",    "parallel", "perl",   "php",
    "pip",     "rsync", "ruby",     "run-parts", "scp",     "screen", "script", "sed",      "sort",   "split",
    "ssh",     "su",    "tar",      "tclsh",     "tmux",    "vi",     "vim",    "xargs",    "zip"};

constexpr std::array<string_view, 12> kShells{"sh",  "bash",  "dash", "ash",  "ksh",  "mksh",
                                              "zsh", "rbash", "yash", "posh", "fish", "busybox-sh"};

/// Whole names.
constexpr std::array<string_view, 42> kDangerousNames{
    "PATH",           "IFS",       "ENV",        "BASH_ENV",       "PS1",           "PS2",         "PS4",
    "PROMPT_COMMAND", "SHELL",     "SHELLOPTS",  "BASHOPTS",       "HOME",          "CDPATH",      "TMPDIR",
    "EDITOR",         "VISUAL",    "BROWSER",    "PAGER",          "GCONV_PATH",    "LOCPATH",     "NLSPATH",
    "HOSTALIASES",    "TERMINFO",  "TERMCAP",    "CLASSPATH",      "RUBYOPT",       "RUBYLIB",     "PERLLIB",
    "MAKEFLAGS",      "MAKEFILES", "MFLAGS",     "GNUMAKEFLAGS",   "TAPE",          "TAR_OPTIONS", "RSYNC_RSH",
    "CVS_RSH",        "AWKPATH",   "AWKLIBPATH", "GLIBC_TUNABLES", "RUSTC_WRAPPER", "INFOPATH",    "GREP_OPTIONS"};
/// Beginnings.
constexpr std::array<string_view, 30> kDangerousPrefixes{
    "LD_",   "DYLD_", "GIT_",  "PYTHON",  "NODE_",  "NPM_",    "npm_",    "PERL5", "PERL_",   "LESS",
    "MAN",   "SSH_",  "SVN_",  "JAVA_",   "_JAVA_", "JDK_",    "LUA_",    "PHP",   "XDG_",    "OPENSSL_",
    "CURL_", "CARGO", "BASH_", "GOFLAGS", "GEM_",   "BUNDLE_", "MALLOC_", "RUNE_", "DOCKER_", "KUBE"};
constexpr std::array<string_view, 5> kDangerousSuffixes{"PAGER", "EDITOR", "_PRELOAD", "_SHELL", "_OPTIONS"};

}  // namespace

const WrapperSyntax* FindWrapper(string_view program) {
  const auto* found =
      std::find_if(kWrappers.begin(), kWrappers.end(), [&](const WrapperSyntax& w) { return w.name == program; });
  return found == kWrappers.end() ? nullptr : found;
}

bool CanRunOthers(string_view program) {
  return Contains(kRunsOthers, program) || IsShellProgram(program) || program.starts_with("python") ||
         program.starts_with("perl5") || program.starts_with("ld-linux");
}

bool IsShellProgram(string_view program) { return Contains(kShells, program); }

bool IsDangerousVariable(string_view name) {
  return Contains(kDangerousNames, name) ||
         std::any_of(kDangerousPrefixes.begin(), kDangerousPrefixes.end(),
                     [&](string_view prefix) { return name.starts_with(prefix); }) ||
         std::any_of(kDangerousSuffixes.begin(), kDangerousSuffixes.end(),
                     [&](string_view suffix) { return name.ends_with(suffix); });
}

}  // namespace rune::agent
