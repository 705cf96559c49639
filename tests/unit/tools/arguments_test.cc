#include "agent/tools/arguments.h"

#include "tests/unit/tools/tools_fixture.h"

namespace rune::agent {
namespace {

TEST(ArgumentsTest, SaysWhatIsWrongSoThatAModelCanCorrectIt) {
  EXPECT_EQ(ComplaintOf("read_file", R"({"file":"a"})"),
            "unknown argument 'file'; the arguments are: limit, offset, path");
  EXPECT_EQ(ComplaintOf("read_file", R"({"pth":"a"})"),
            "unknown argument 'pth' (did you mean 'path'?); the arguments are: limit, offset, path");
  EXPECT_EQ(ComplaintOf("read_file", "{}"), "missing required argument 'path'; the arguments are: limit, offset, path");
  EXPECT_EQ(ComplaintOf("read_file", R"({"path":null})"), "argument 'path' must be a string, not null");
  EXPECT_EQ(ComplaintOf("read_file", R"({"path":3})"), "argument 'path' must be a string, not number");
  EXPECT_EQ(ComplaintOf("read_file", R"({"path":""})"), "argument 'path' is empty");
  EXPECT_EQ(ComplaintOf("read_file", R"({"path":"a\u0000b"})"), "argument 'path' contains a NUL character");
  EXPECT_EQ(ComplaintOf("read_file", R"({"path":"a","offset":"3"})"),
            "argument 'offset' must be an integer, not string");
  EXPECT_EQ(ComplaintOf("read_file", R"({"path":"a","offset":0})"),
            "argument 'offset' must be between 1 and 1000000000");
  EXPECT_EQ(ComplaintOf("read_file", R"({"path":"a","offset":1.5})"),
            "argument 'offset' must be an integer, not number");
  EXPECT_EQ(ComplaintOf("execute_cmd", R"({"cmd":["ls"]})"), "argument 'cmd' must be a string, not array");
  EXPECT_EQ(ComplaintOf("inspect_process", R"({"pid":-1})"), "argument 'pid' must be between 1 and 1000000000");
  EXPECT_EQ(ComplaintOf("list_dir", R"(["a"])"), "the arguments must be a JSON object; the arguments are: path");
  EXPECT_EQ(ComplaintOf("edit_file", R"({"path":"a","old":"x","new":"x"})"), "'old' and 'new' are the same text");
  EXPECT_EQ(ComplaintOf("edit_file", R"({"path":"a","old":"","new":"x"})"), "argument 'old' is empty");
}

TEST(ArgumentsTest, ANullForAnOptionalArgumentIsAMissingOne) {
  EXPECT_EQ(ComplaintOf("read_file", R"({"path":"a","limit":null,"offset":null})"), "");
  EXPECT_EQ(ComplaintOf("execute_cmd", R"({"cmd":"ls","cwd":null})"), "");
}

TEST(ArgumentsTest, TheSchemaIsCanonicalJson) {
  const Toolbox tools = BuiltinToolbox();
  for (const Tool& tool : tools.tools()) {
    const Result<json::Document> schema = json::Document::Parse(tool.spec.schema);
    ASSERT_TRUE(schema.ok()) << tool.spec.name;
    EXPECT_EQ(schema->root().DumpCanonical(), tool.spec.schema) << tool.spec.name;
    EXPECT_EQ(schema->root()["additionalProperties"].boolean(), false);
  }
}

}  // namespace
}  // namespace rune::agent
