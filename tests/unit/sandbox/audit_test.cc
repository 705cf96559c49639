#include "sandbox/guardian/audit.h"

#include <gtest/gtest.h>

namespace rune::sandbox {
namespace {

TEST(AuditTest, PrintsTheProgramsAndTheNamesThatWereUsed) {
  Report report;
  report.programs = {"/usr/bin/env", "/opt/odd/tool"};
  report.egress = {
      {.target = "a.test", .port = 0, .lookups = 1},         {.target = "a.test", .port = 443, .connections = 2},
      {.target = "a.test", .port = 8443, .connections = 1},  {.target = "only-asked.test", .port = 0, .lookups = 1},
      {.target = "fd00::1", .port = 5432, .connections = 1}, {.target = "10.0.0.5", .port = 443, .connections = 1}};
  const std::string text = AuditText(report, "/usr/bin/true");
  EXPECT_NE(text.find(R"(allowed_commands = ["/opt/odd/tool", "env", "true"])"), std::string::npos) << text;
  EXPECT_NE(
      text.find(R"(allowed_domains = ["10.0.0.5:443", "[fd00::1]:5432", "a.test", "a.test:8443", "only-asked.test"])"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("rune-sandbox --system --allow-domain 10.0.0.5:443 --allow-domain [fd00::1]:5432 "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(R"(    allowed_commands: ["/opt/odd/tool", "env", "true"])"), std::string::npos) << text;
}

TEST(AuditTest, WhatAProgramNamedCannotBreakOutOfTheText) {
  Report report;
  report.programs = {"/tmp/a\"b\nallowed_domains = [\"*\"]"};
  const std::string text = AuditText(report, "/usr/bin/true");
  EXPECT_EQ(text.find("\nallowed_domains = [\"*\"]"), std::string::npos) << text;
}

}  // namespace
}  // namespace rune::sandbox
