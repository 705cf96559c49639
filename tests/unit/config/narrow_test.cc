#include "agent/config/narrow.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune::agent {
namespace {

using List = std::vector<std::string>;

Narrowed NarrowText(std::string_view key, std::string_view current, std::string_view proposed,
                    const std::string& cwd = "/nowhere") {
  const Setting& setting = *FindSetting(key);
  const Value now = ParseValue(setting, current).value();
  return Narrow(setting, now, ParseValue(setting, proposed).value(), cwd);
}

/// What holds after the project file had its say.
Value After(std::string_view key, std::string_view current, std::string_view proposed,
            const std::string& cwd = "/nowhere") {
  const Narrowed narrowed = NarrowText(key, current, proposed, cwd);
  return narrowed.value ? *narrowed.value : ParseValue(*FindSetting(key), current).value();
}

TEST(Narrow, LowersANumberAndNeverRaisesIt) {
  const struct {
    const char* current;
    const char* proposed;
    std::int64_t after;
    bool refused;
  } cases[] = {{"50", "20", 20, false}, {"50", "50", 50, false}, {"50", "51", 50, true},
               {"50", "0", 50, true},   {"0", "20", 20, false},  {"0", "0", 0, false}};
  for (const char* key :
       {"max_steps", "token_budget", "timeout_secs", "policy.max_memory_mb", "policy.max_pids", "policy.max_disk_mb"}) {
    for (const auto& c : cases) {
      EXPECT_EQ(After(key, c.current, c.proposed), Value(c.after)) << key << " " << c.current << " " << c.proposed;
      EXPECT_EQ(NarrowText(key, c.current, c.proposed).refused, c.refused);
    }
  }
}

TEST(Narrow, LowersAnAmountOfMoneyAndNeverRaisesIt) {
  EXPECT_EQ(After("limits.cost_usd", "0", "0.5"), Value(0.5));
  EXPECT_EQ(After("limits.cost_usd", "0.5", "0.25"), Value(0.25));
  EXPECT_EQ(After("limits.cost_usd", "0.5", "0.75"), Value(0.5));
  EXPECT_EQ(After("limits.cost_usd", "0.5", "0"), Value(0.5));
}

TEST(Narrow, TightensTheModeAndNeverLoosensIt) {
  const List modes{"allowlist", "confirm", "unrestricted"};
  for (std::size_t current = 0; current < modes.size(); ++current) {
    for (std::size_t proposed = 0; proposed < modes.size(); ++proposed) {
      const std::string& expected = modes[std::min(current, proposed)];
      EXPECT_EQ(After("policy.mode", modes[current], modes[proposed]), Value(expected));
      EXPECT_EQ(NarrowText("policy.mode", modes[current], modes[proposed]).refused, proposed > current);
    }
  }
  const List rules{"fail", "unrecovered", "warn"};
  for (std::size_t current = 0; current < rules.size(); ++current) {
    for (std::size_t proposed = 0; proposed < rules.size(); ++proposed) {
      EXPECT_EQ(After("on_denial", rules[current], rules[proposed]), Value(rules[std::min(current, proposed)]));
    }
  }
}

TEST(Narrow, TightensTheEnforcementAndNeverLoosensIt) {
  const struct {
    const char* current;
    const char* proposed;
    List after;
  } cases[] = {
      {"best-effort", "require", {"require"}},
      {"best-effort", "landlock", {"landlock"}},
      {"require", "best-effort", {"require"}},
      {"require", "landlock", {"require"}},
      {"landlock", "require", {"require"}},
      {"landlock", "best-effort", {"landlock"}},
      {"landlock", "seccomp", {"landlock", "seccomp"}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(After("policy.enforcement", c.current, c.proposed), Value(c.after)) << c.current << " " << c.proposed;
  }
}

TEST(Narrow, KeepsOnlyCommandsThatAreAllowedAlready) {
  const struct {
    const char* current;
    const char* proposed;
    List after;
    List dropped;
  } cases[] = {
      {"ls,cat,df", "cat,rm", {"cat"}, {"rm"}},
      {"ls,cat", "", {}, {}},
      {"", "ls", {}, {"ls"}},
      {"*", "ls,cat", {"ls", "cat"}, {}},
      {"ls,cat", "*", {"ls", "cat"}, {"*"}},
      {"ls", "/tmp/ls", {}, {"/tmp/ls"}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(After("policy.allowed_commands", c.current, c.proposed), Value(c.after))
        << c.current << "|" << c.proposed;
    EXPECT_EQ(NarrowText("policy.allowed_commands", c.current, c.proposed).dropped, c.dropped);
  }
}

TEST(Narrow, KeepsOnlyDomainsThatAreAllowedAlready) {
  const struct {
    const char* current;
    const char* proposed;
    List after;
  } cases[] = {
      {"a.com,b.com", "b.com,evil.com", {"b.com"}},
      {"*.github.com", "api.github.com", {"api.github.com"}},
      {"*.github.com", "*.api.github.com", {"*.api.github.com"}},
      {"*.github.com", "github.com", {}},
      {"*.github.com", "evilgithub.com", {}},
      {"api.github.com", "*.github.com", {"api.github.com"}},
      {"*.github.com", "*.com", {"*.github.com"}},
      {"*", "wttr.in", {"wttr.in"}},
      {"wttr.in", "*", {"wttr.in"}},
      {"wttr.in", "wttr.in:443", {"wttr.in:443"}},
      {"wttr.in:443", "wttr.in", {"wttr.in:443"}},
      {"wttr.in:443", "wttr.in:22", {}},
      {"wttr.in", "wttr.in:22", {}},
      {"wttr.in:22", "wttr.in", {}},
      {"WTTR.in", "wttr.IN", {"wttr.IN"}},
      {"10.0.0.0/8", "10.1.2.3", {"10.1.2.3"}},
      {"10.0.0.0/8", "10.1.0.0/16:22,11.0.0.1", {"10.1.0.0/16:22"}},
      {"10.0.0.0/8:443", "10.1.2.3", {}},
      {"10.1.2.3", "10.0.0.0/8", {"10.1.2.3"}},
      {"[fd00::]/8", "[fd00::1]:443,[fe80::1]", {"[fd00::1]:443"}},
      {"*.example.com", "10.1.2.3", {}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(After("policy.allowed_domains", c.current, c.proposed), Value(c.after)) << c.current << "|" << c.proposed;
  }
}

TEST(Narrow, KeepsOnlyPathsThatAreAllowedAlready) {
  const auto root = TempDir::Create("/tmp", "rune-narrow-").value();
  const std::string& d = root.path();
  ASSERT_TRUE(MakeDirs(d + "/in/deep").ok());
  ASSERT_TRUE(MakeDirs(d + "/out").ok());
  ASSERT_TRUE(MakeDirs(d + "/in2").ok());
  ASSERT_EQ(::symlink("../out", (d + "/in/link").c_str()), 0);
  const auto after = [&](const std::string& current, const std::string& proposed) -> List {
    return Held<List>(After("policy.allowed_paths_rw", current, proposed, d + "/in"));
  };
  EXPECT_EQ(after(d + "/in", d + "/in/deep"), List{d + "/in/deep"});
  EXPECT_EQ(after(d + "/in", "deep"), List{d + "/in/deep"});
  EXPECT_EQ(after(d + "/in", "deep/../../out"), List{});
  EXPECT_EQ(after(d + "/in", "/"), List{d + "/in"});
  EXPECT_EQ(after(d + "/in", d + "/in2"), List{});
  EXPECT_EQ(after(d + "/in", d + "/in/not-yet"), List{d + "/in/not-yet"});
  // A link in the checkout leads out of what is allowed, also when its target's name is not there yet.
  EXPECT_EQ(after(d + "/in", "link"), List{});
  EXPECT_EQ(after(d + "/in", "link/not-yet"), List{});
  EXPECT_EQ(after(d + "/in," + d + "/out", "link"), List{d + "/out"});
}

TEST(Narrow, AddsToWhatIsDenied) {
  EXPECT_EQ(After("policy.denied_paths", "/root", "/etc,/root"), Value(List{"/root", "/etc"}));
  EXPECT_EQ(After("policy.denied_syscalls", "ptrace", ""), Value(List{"ptrace"}));
  EXPECT_FALSE(NarrowText("policy.denied_syscalls", "ptrace", "").refused);
}

TEST(Narrow, KeepsTheSkillsInsideTheDirectory) {
  const auto root = TempDir::Create("/tmp", "rune-narrow-").value();
  const std::string cwd = root.path() + "/project";
  ASSERT_TRUE(MakeDirs(cwd + "/ours").ok());
  ASSERT_TRUE(MakeDirs(root.path() + "/theirs").ok());
  ASSERT_EQ(::symlink("../theirs", (cwd + "/link").c_str()), 0);
  EXPECT_FALSE(NarrowText("skills_dir", "./skills", "ours", cwd).refused);
  for (const char* outside : {"/tmp", "../theirs", "ours/../../theirs", "link"}) {
    EXPECT_TRUE(NarrowText("skills_dir", "./skills", outside, cwd).refused) << outside;
  }
}

TEST(Narrow, IgnoresWhatIsNotAMatterOfNarrowing) {
  for (const char* key : {"model", "provider", "api_key", "base_url", "system_prompt", "append_system_prompt",
                          "cassette", "record", "trace_dir"}) {
    EXPECT_EQ(FindSetting(key)->narrow, NarrowRule::kIgnored) << key;
    EXPECT_TRUE(NarrowText(key, "", "x").refused) << key;
    EXPECT_FALSE(NarrowText(key, "x", "x").refused) << key;
  }
  EXPECT_TRUE(NarrowText("yes", "false", "true").refused);
  EXPECT_TRUE(NarrowText("trace", "false", "true").refused);
}

}  // namespace
}  // namespace rune::agent
