#pragma once
/// Ordinary command lines and what is found in them.

#include <string_view>

namespace rune::agent::cases {

struct Understood {
  std::string_view line;
  std::string_view programs;  ///< Blank separated, in order.
  std::string_view writes;
  bool shell = true;  ///< False: the words are executed directly.
};

inline constexpr Understood kUnderstood[] = {
    {"ls", "ls", "", false},
    {"  ls -la /tmp  ", "ls", "", false},
    {"echo 'a b' \"c d\" e\\ f", "echo", "", false},
    {"df -h /", "df", "", false},
    {"grep -r 'a*b' .", "grep", "", false},
    {"find . -name '*.c'", "find", "", false},
    {"echo a # comment", "echo", "", false},
    {"printf '%s\\n' x", "printf", "", false},
    {"/usr/bin/ls", "/usr/bin/ls", "", false},
    {"./configure --prefix=/usr", "./configure", "", false},
    {"echo {}", "echo", "", false},
    {"echo a=b", "echo", "", false},
    {"ls\n", "ls", "", false},
    {"echo $HOME", "echo", ""},
    {"ls *.c", "ls", ""},
    {"ls a?c [ab]", "ls", ""},
    {"cd /tmp && ls", "ls", ""},
    {"cat a | sort | uniq -c", "cat sort uniq", ""},
    {"ls; ls; cat x", "ls cat", ""},
    {"ls &", "ls", ""},
    {"make 2>&1 | tail -5", "make tail", ""},
    {"ls 2>/dev/null", "ls", "/dev/null"},
    {"ls >/dev/null 2>&1", "ls", "/dev/null"},
    {"echo a > /tmp/f", "echo", "/tmp/f"},
    {"echo a > 'my file'", "echo", "my file"},
    {"echo a >> out.txt", "echo", "out.txt"},
    {"cat < in", "cat", ""},
    {"cat 0<in 2>&-", "cat", ""},
    {"cat << E\nhello $USER\nE", "cat", ""},
    {"cat << 'E' | wc -l\n$(not run)\nE\nls", "cat wc ls", ""},
    {"cat <<-E\n\ta\n\tE\n", "cat", ""},
    {"cat << A << B\na\nA\nb\nB", "cat", ""},
    {"if [ -f x ]; then cat x; else echo no; fi", "cat echo", ""},
    {"if test -d a\nthen ls a\nelif ls b; then :\nfi", "ls", ""},
    {"for f in *.c; do wc -l \"$f\"; done", "wc", ""},
    {"for f in a b\ndo\n  cat \"$f\"\ndone | sort", "cat sort", ""},
    {"while read -r line; do echo \"$line\"; done < file", "echo", ""},
    {"until false; do ls; break; done", "ls", ""},
    {"case $x in a|b) ls;; (c) cat x;; *) echo;; esac", "ls cat echo", ""},
    {"case x in esac", "", ""},
    {"(cd /x; ls)", "ls", ""},
    {"{ ls; cat x; } | wc", "ls cat wc", ""},
    {"! grep -q a b", "grep", ""},
    {"f() { ls \"$1\"; }; f a", "ls", ""},
    {"f() ( ls )\nf | wc", "ls wc", ""},
    {"x=1; echo $x", "echo", ""},
    {"X=1 Y='a b' env", "env", ""},
    {"x=$(date +%s); echo $x", "date echo", ""},
    {"echo \"$(hostname) `uname -r`\"", "hostname uname echo", ""},
    {"echo $((1 + 2 * (3 - i)))", "echo", ""},
    {"i=0; while [ $i -lt 3 ]; do i=$((i+1)); done", "", ""},
    {"echo ${x:-default} ${#x} ${x%.c} ${x##*/}", "echo", ""},
    {"echo \"a$\" '$(no)' \\$x", "echo", "", false},
    {"command -v gcc", "", ""},
    {"command ls", "ls", ""},
    {"exec ls", "ls", ""},
    {"test -f x && echo yes", "echo", ""},
    {"set -e; ls", "ls", ""},
    {"export A=1 B; ls", "ls", ""},
    {"trap 'rm -f /tmp/x' EXIT; ls", "rm ls", ""},
    {"trap - INT", "", ""},
    {"timeout 5 ls", "timeout ls", "", false},
    {"env -- A=1 ls", "env ls", "", false},
    {"nice -n 10 nohup ls", "nice nohup ls", "", false},
    {"sudo -u nobody ls", "sudo ls", "", false},
    {"find . -type f -exec grep -l x {} +", "find grep", "", false},
    {"find . -exec sh -c 'echo hi' ';'", "find sh echo", "", false},
    {"ls | xargs -n 1 -I{} cat {}", "ls xargs cat", ""},
    {"ls | xargs", "ls xargs echo", ""},
    {"sh -c 'ls | wc > /tmp/n'", "sh ls wc", "/tmp/n", false},
    {"bash -lc ls", "bash ls", "", false},
    {"watch -n 1 ls -l", "watch ls", "", false},
    {"time -p ls", "time ls", "", false},
    {"git log --oneline \\\n  --no-pager", "git", "", false},
    {"ls \\\n | wc", "ls wc", ""},
};

}  // namespace rune::agent::cases
