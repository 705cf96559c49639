#include "sandbox/credential_text.h"

#include <gtest/gtest.h>

namespace rune::sandbox {
namespace {

TEST(CredentialTextTest, IsSeenInTheFormsThatFilesOfTheSystemHave) {
  for (const char* text : {
           "GITHUB_TOKEN=ghp_0123456789",
           "PATH=/usr/bin\nexport NPM_TOKEN=\"abc123\"",
           "AWS_SECRET_ACCESS_KEY=abcdefgh",
           "http_proxy=http://user:hunter2@proxy:3128",
           "[global]\nindex-url = https://user:pass@pypi.example.com/simple",
           "extra-index-url = https://0123456789abcdef0123456789@pypi.example.com/simple",
           "//registry.example.com/:_authToken=npm_0123",
           "registry.example.com/:_authToken=npm_0123",
           "_auth = dXNlcjpwYXNz",
           "deb https://user:pass@apt.example.com bookworm main",
           "URIs: https://user:pass@apt.example.com",
           "machine apt.example.com login user password hunter2",
           "machine apt.example.com\n  login user\n  password hunter2",
           "Acquire::http::Proxy \"http://user:pass@proxy:3128\";",
           "http_password = hunter2",
           "user = \"name:hunter2\"",
           "header = \"Authorization: Basic dXNlcjpwYXNz\"",
           "<server><id>x</id><password>hunter2</password></server>",
           "-----BEGIN OPENSSH PRIVATE KEY-----",
       }) {
    EXPECT_TRUE(HoldsCredential(text)) << text;
  }
}

TEST(CredentialTextTest, OrdinarySettingsAreNone) {
  for (const char* text : {
           "",
           "PATH=\"/usr/local/bin:/usr/bin\"\nLANG=C.UTF-8",
           "# GITHUB_TOKEN=ghp_0123456789",
           "; password = hunter2",
           "http_proxy=http://proxy.example.com:3128",
           "[global]\nindex-url = https://pypi.example.com/simple",
           "registry=https://npm.example.com/\nalways-auth=true",
           "//registry.example.com/:_authToken=${NPM_TOKEN}",
           "index-url = https://${USER}:${PASSWORD}@pypi.example.com/simple",
           "deb [signed-by=/usr/share/keyrings/x.gpg] https://deb.debian.org/debian bookworm main",
           "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
           "ssh://git@github.com/a/b",
           "ask_password = yes",
           "password_file = /run/secrets/x",
           "#http_password = hunter2",
           "PASSWORD=",
           "if [ \"$TOKEN\" = \"\" ]; then token=$(cat x); fi",
           "<password>${env.PASSWORD}</password>",
           "<!-- <password>hunter2</password>\n<passphrase>hunter3</passphrase> --><servers/>",
           "author: somebody",
           "rsync://mirror.example.com:873/x contact admin@example.com",
       }) {
    EXPECT_FALSE(HoldsCredential(text)) << text;
  }
}

}  // namespace
}  // namespace rune::sandbox
