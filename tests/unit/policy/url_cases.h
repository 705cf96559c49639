#pragma once
/// URLs and host patterns, with the traps in which a checker and a client disagree about the host.

#include <cstdint>
#include <string_view>

namespace rune::agent::cases {

struct GoodUrl {
  std::string_view url;
  std::string_view host;
  std::uint16_t port;
  std::string_view text;
};
inline constexpr GoodUrl kGoodUrls[] = {
    {"http://wttr.in", "wttr.in", 80, "http://wttr.in/"},
    {"https://wttr.in/Taoyuan?format=3", "wttr.in", 443, "https://wttr.in/Taoyuan?format=3"},
    {"HTTPS://API.GitHub.COM/Repos", "api.github.com", 443, "https://api.github.com/Repos"},
    {"http://wttr.in.", "wttr.in", 80, "http://wttr.in/"},
    {"http://wttr.in:80/", "wttr.in", 80, "http://wttr.in/"},
    {"http://wttr.in:8080/x", "wttr.in", 8080, "http://wttr.in:8080/x"},
    {"https://wttr.in:80/x", "wttr.in", 80, "https://wttr.in:80/x"},
    {"http://wttr.in?q=1", "wttr.in", 80, "http://wttr.in/?q=1"},
    {"http://wttr.in#frag", "wttr.in", 80, "http://wttr.in/"},
    {"http://wttr.in/a#frag", "wttr.in", 80, "http://wttr.in/a"},
    {"http://evil.test#.wttr.in", "evil.test", 80, "http://evil.test/"},
    {"http://evil.test?.wttr.in", "evil.test", 80, "http://evil.test/?.wttr.in"},
    {"http://evil.test/@wttr.in", "evil.test", 80, "http://evil.test/@wttr.in"},
    {"http://127.0.0.1:8080/", "127.0.0.1", 8080, "http://127.0.0.1:8080/"},
    {"http://[::1]/", "::1", 80, "http://[::1]/"},
    {"http://[2001:DB8:0::1]:81/x", "2001:db8::1", 81, "http://[2001:db8::1]:81/x"},
    {"http://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de", 80, "http://xn--mnchen-3ya.de/"},
    {"http://a_b.test/%2e%2e", "a_b.test", 80, "http://a_b.test/%2e%2e"},
    {"http://a.test:65535/", "a.test", 65535, "http://a.test:65535/"},
    {"http://a.test:90/", "a.test", 90, "http://a.test:90/"},
    {"https://[::1]:443/", "::1", 443, "https://[::1]/"},
    {"http://a.test/!~", "a.test", 80, "http://a.test/!~"},
};

inline constexpr std::string_view kBadUrls[] = {
    "",
    "wttr.in",
    "//wttr.in/",
    "http:wttr.in",
    "http:/wttr.in",
    "http:///wttr.in/",
    "http://",
    "http://:80/",
    "http://?x",
    "http://#x",
    "http://./",
    "http://wttr.in../",
    "http://.wttr.in/",
    "http://wttr..in/",
    "ftp://wttr.in/",
    "file:///etc/passwd",
    "gopher://wttr.in/",
    "javascript://wttr.in/",
    "http://wttr.in:x@evil.test/",
    "http://wttr.in@evil.test/",
    "http://user@wttr.in/",
    "http://@wttr.in/",
    "http://evil.test\\@wttr.in/",
    "http://evil.test\\.wttr.in/",
    "http:\\\\wttr.in/",
    "http://wttr.in%2f.evil.test/",
    "http://%77ttr.in/",
    "http://wttr.in%00.evil.test/",
    "http://wttr .in/",
    " http://wttr.in/",
    "http://wttr.in/ ",
    "http://wttr.in/\nHost: evil.test",
    "http://wttr.in\t/",
    "http://wttr.in/\x7f",
    "http://wttr.in/\x1f",
    "http://wttr.in/\x80",
    "http://wttr.in/\xff",
    "http://wttr.in/a\\b",
    "http://wttr.in:/",
    "http://wttr.in:0/",
    "http://wttr.in:080/",
    "http://wttr.in:65536/",
    "http://wttr.in:99999999999/",
    "http://wttr.in:80:80/",
    "http://wttr.in:+80/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.01/",
    "http://127.0.0.1.5/",
    "http://256.0.0.1/",
    "http://example.123/",
    "http://[::1/",
    "http://::1/",
    "http://[]/",
    "http://[127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    "http://[::1]x/",
    "http://wttr.in;x/",
    "http://wttr.in,evil.test/",
    "http://{wttr.in,evil.test}/",
    "http://w*r.in/",
    "http://-wttr.in/",
    "http://w\xc3\xbcrttr.in/",
    "http://wttr\xe3\x80\x82in/",
    "http://wttr.in\xef\xbc\x8f.evil.test/",
};

struct Match {
  std::string_view pattern;
  std::string_view host;
  std::uint16_t port;
  bool matches;
};
inline constexpr Match kMatches[] = {
    {"wttr.in", "wttr.in", 80, true},
    {"wttr.in", "wttr.in", 443, true},
    {"wttr.in", "wttr.in", 8080, false},
    {"wttr.in:8080", "wttr.in", 8080, true},
    {"wttr.in:8080", "wttr.in", 80, false},
    {"WTTR.in.", "wttr.in", 80, true},
    {"wttr.in", "a.wttr.in", 80, false},
    {"wttr.in", "xwttr.in", 80, false},
    {"wttr.in", "wttr.in.evil.test", 80, false},
    {"*.github.com", "api.github.com", 443, true},
    {"*.github.com", "a.b.github.com", 443, true},
    {"*.github.com", "github.com", 443, false},
    {"*.github.com", "evilgithub.com", 443, false},
    {"*.github.com", "github.com.evil.test", 443, false},
    {"*.github.com:22", "api.github.com", 22, true},
    {"*.github.com:22", "api.github.com", 443, false},
    {"*", "anything.test", 9999, true},
    {"*", "127.0.0.1", 80, false},
    {"127.0.0.1", "127.0.0.1", 80, true},
    {"127.0.0.1", "127.0.0.1", 5432, true},
    {"127.0.0.1:80", "127.0.0.1", 5432, false},
    {"127.0.0.1", "127.0.0.2", 80, false},
    {"10.0.0.0/8:5432", "10.1.2.3", 5432, true},
    {"10.0.0.0/8:5432", "10.1.2.3", 80, false},
    {"[::1]:8080", "::1", 8080, true},
};

inline constexpr std::string_view kBadPatterns[] = {
    "",       "*.",      "*.*",      "a.*",         "*a.test",      "**.test",     "http://a.test", "a.test/x",
    "a test", "a.test:", "a.test:0", "a.test:x",    "a.test:70000", "user@a.test", ".a.test",       "a..test",
    "*:80",   "127.1",   "*.0.1",    "*.127.0.0.1", "*.[::1]",      "[::1",        "a,b",           "\xc3\xbc.test"};

}  // namespace rune::agent::cases
