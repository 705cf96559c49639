#include "agent/config/toml.h"

// toml++ 3.3 asserts (under NDEBUG: assumes) that a table header starts with a key, one line before it checks that.
// Without the assertion "[=]" is an ordinary error, with it a project file could abort the program.
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "agent/json/json.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

/// Levels of a dotted key. toml++ takes any number, and recurses over them when it frees the tree.
constexpr int kMaxDots = 8;

/// Where the string that starts at `at` ends; the end of the line for a broken one, which the parser will refuse.
std::size_t EndOfString(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string fence(3, quote);
  const bool many_lines = text.substr(at, 3) == fence;
  for (std::size_t i = at + (many_lines ? 3 : 1); i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (!many_lines && (text[i] == quote || text[i] == '\n')) {
      return i + 1;
    } else if (many_lines && text.substr(i, 3) == fence) {
      // Up to two quotes may stand before the closing fence.
      i += 3;
      for (int extra = 0; extra < 2 && i < text.size() && text[i] == quote; ++extra) ++i;
      return i;
    }
  }
  return text.size();
}

/// The line of the first dotted key with too many levels; 0 when there is none.
std::size_t DottedTooDeep(std::string_view text) {
  int dots = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      i = EndOfString(text, i);
      continue;
    }
    if (c == '.') {
      if (++dots > kMaxDots) return Split(text.substr(0, i), '\n').size();
    } else if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-' && c != ' ' && c != '\t') {
      dots = 0;
    }
    i = c == '#' ? std::min(text.find('\n', i), text.size()) : i + 1;
  }
  return 0;
}

/// The line of the first character beyond ASCII outside strings and comments, where TOML has none; 0: there is none.
/// The parser's own tables of such characters run into undefined behaviour.
std::size_t BeyondAscii(std::string_view text) {
  for (std::size_t i = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; i < text.size();) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x80) return Split(text.substr(0, i), '\n').size();
    if (c == '"' || c == '\'') {
      i = EndOfString(text, i);
    } else {
      i = c == '#' ? std::min(text.find('\n', i), text.size()) : i + 1;
    }
  }
  return 0;
}

struct Located {
  toml::source_position position;
  TomlEntry entry;
};

std::string TypeOf(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::table:
      return "table";
    case toml::node_type::array:
      return "list";
    case toml::node_type::string:
      return "string";
    case toml::node_type::integer:
      return "integer";
    case toml::node_type::floating_point:
      return "number";
    case toml::node_type::boolean:
      return "boolean";
    case toml::node_type::date:
      return "date";
    case toml::node_type::time:
      return "time";
    case toml::node_type::date_time:
      return "date and time";
  }
  std::abort();
}

std::optional<Value> ValueOf(const toml::node& node) {
  if (const auto* text = node.as_string()) return Value(text->get());
  if (const auto* integer = node.as_integer()) return Value(integer->get());
  if (const auto* number = node.as_floating_point()) return Value(number->get());
  if (const auto* boolean = node.as_boolean()) return Value(boolean->get());
  const auto* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> list;
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (text == nullptr) return std::nullopt;
    list.push_back(text->get());
  }
  return Value(std::move(list));
}

/// The depth is bounded as in Flatten().
void WriteJson(json::Writer& out, const toml::node& node) {
  if (const auto* table = node.as_table()) {
    out.BeginObject();
    for (const auto& [key, value] : *table) WriteJson(out.Key(key.str()), value);
    out.EndObject();
  } else if (const auto* array = node.as_array()) {
    out.BeginArray();
    for (const toml::node& element : *array) WriteJson(out, element);
    out.EndArray();
  } else if (const auto* text = node.as_string()) {
    out.String(text->get());
  } else if (const auto* integer = node.as_integer()) {
    out.Int(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    out.Double(number->get());
  } else if (const auto* boolean = node.as_boolean()) {
    out.Bool(boolean->get());
  } else {
    out.Null();  // dates: nothing here wants one
  }
}

std::string JsonOf(const toml::node& node) {
  const auto* array = node.as_array();
  const bool tables = array != nullptr && !array->empty() && array->is_homogeneous(toml::node_type::table);
  if (!tables && !node.is_table()) return "";
  json::Writer out;
  WriteJson(out, node);
  return out.Take();
}

std::string PlaceOf(const std::string& file, const toml::source_position& position) {
  return file + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

/// The depth is bounded: that of values by the parser (TOML_MAX_NESTED_VALUES), that of keys by DottedTooDeep().
void Flatten(const toml::table& table, const std::string& prefix, const std::string& file, std::vector<Located>& out) {
  for (const auto& [key, node] : table) {
    const toml::source_position position = key.source().begin;
    const std::string path = prefix + std::string(key.str());
    std::string type = TypeOf(node);
    auto value = ValueOf(node);
    if (type == "list" && !value) type = "list that is not one of strings";
    out.push_back({position, {path, std::move(value), std::move(type), JsonOf(node), PlaceOf(file, position)}});
    if (const auto* inner = node.as_table()) Flatten(*inner, path + ".", file, out);
  }
}

}  // namespace

Result<std::vector<TomlEntry>> ParseToml(std::string_view text, const std::string& file) {
  if (const std::size_t line = DottedTooDeep(text); line > 0) {
    return Error::Invalid("a key with too many dots").Wrap(file + ":" + std::to_string(line) + ":1");
  }
  if (const std::size_t line = BeyondAscii(text); line > 0) {
    return Error::Invalid("a letter beyond ASCII outside quotes").Wrap(file + ":" + std::to_string(line) + ":1");
  }
  const toml::parse_result result = toml::parse(text, file);
  if (!result) {
    const toml::parse_error& error = result.error();
    return Error::Invalid(OneLine(error.description())).Wrap(PlaceOf(file, error.source().begin));
  }
  std::vector<Located> located;
  Flatten(result.table(), "", file, located);
  std::stable_sort(located.begin(), located.end(),
                   [](const Located& a, const Located& b) { return a.position < b.position; });
  std::vector<TomlEntry> entries;
  entries.reserve(located.size());
  for (Located& one : located) entries.push_back(std::move(one.entry));
  return entries;
}

}  // namespace rune::agent
