#include "sandbox/base/redaction.h"

#include <gtest/gtest.h>

#include "sandbox/base/encoding.h"

namespace rune {
namespace {

TEST(RedactTest, AKnownSecretIsGoneInEveryEncoding) {
  const std::string secret = "s3cr\"et/val+ue\\x";
  AddSecret(secret);
  const std::string forms[] = {secret,
                               "s3cr\\\"et/val+ue\\\\x",  // JSON
                               PercentEncode(secret),
                               HexEncode(secret),
                               Base64Encode(secret),
                               Base64Encode("x" + secret + "yy"),
                               Base64Encode("xy" + secret),
                               Base64UrlEncode("user:" + secret)};
  for (const std::string& form : forms) {
    const std::string line = "before " + form + " after";
    const std::string redacted = Redact(line);
    EXPECT_NE(redacted, line) << form;
    EXPECT_NE(redacted.find("***"), std::string::npos) << form;
    EXPECT_EQ(redacted.find("s3cr"), std::string::npos) << form;
  }
}

TEST(RedactTest, ASecretIsGoneInTheAlphabetOfUrlsWhereverItStandsInTheEncodedText) {
  const std::string secret = "~~~>>>?~?>?~~~>>>?~?";  // groups that the two alphabets of base64 write differently
  AddSecret(secret);
  for (const std::string before : {"", "x", "xy"}) {
    const std::string form = Base64UrlEncode(before + secret);
    ASSERT_NE(form, Base64Encode(before + secret).substr(0, form.size()));
    EXPECT_NE(Redact(form).find("***"), std::string::npos) << form;
    EXPECT_LT(Redact(form).size(), 8u) << "what is left says next to nothing: " << Redact(form);
  }
}

TEST(RedactTest, KnowsTheShapesOfCredentials) {
  EXPECT_EQ(Redact("key sk-abcdefghijklmnopqrstuv."), "key ***");
  EXPECT_EQ(Redact("ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789, and sk-proj-ABCDEFGHIJKLMNOPQRST"), "***, and ***");
  EXPECT_EQ(Redact("task-1 and then sk-ABCDEFGHIJKLMNOPQRST"), "task-1 and then ***");
}

TEST(RedactTest, LeavesOrdinaryTextAlone) {
  for (const char* text :
       {"task-force", "sk-short", "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334", "the risk-averse-reader-of-long-words"}) {
    EXPECT_EQ(Redact(text), text);
  }
}

TEST(RedactTest, ShortValuesAreNotSecrets) {
  AddSecret("ab");
  EXPECT_EQ(Redact("cab"), "cab");
}

}  // namespace
}  // namespace rune
