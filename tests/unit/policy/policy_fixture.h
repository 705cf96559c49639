#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/policy/policy.h"
#include "agent/policy/refusal.h"

namespace rune::agent {

/// A policy for /work/repo with a private directory that is not yet /tmp, and no other settings than those given.
inline Policy MakePolicy(PolicyConfig config, PolicyMode mode = PolicyMode::kAllowlist, Places places = {}) {
  if (places.cwd.empty()) places.cwd = "/work/repo";
  if (places.home.empty()) places.home = "/home/user";
  if (places.tmp_dir.empty()) places.tmp_dir = "/tmp/rune-test";
  Result<Policy> policy = Policy::Create(config, places, mode);
  EXPECT_TRUE(policy.ok()) << (policy.ok() ? "" : policy.error().message);
  return std::move(policy).value();
}

inline PolicyConfig Commands(std::vector<std::string> names) {
  PolicyConfig config;
  config.allowed_commands = std::move(names);
  return config;
}

inline Verdict Check(const Policy& policy, const std::string& line) {
  return policy.CheckCommand(line, Policy::PlanCommand(line));
}

inline std::string MessageOf(const Verdict& verdict) {
  if (verdict.refusal) return verdict.refusal->message;
  return verdict.question ? "asks: " + verdict.question->message : "allowed";
}

/// The key of [policy] that would allow what was refused.
inline std::string LineOf(const Policy& policy, const Verdict& verdict) {
  return policy.WithWayOut(*verdict.refusal).line;
}

}  // namespace rune::agent
