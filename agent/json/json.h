#pragma once
/// The only door to JSON (RFC 8259). RapidJSON stays behind it: depth and encoding are checked before a tree is built,
/// a missing member is a value and not an abort, and every error carries the path of the place.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace rune::json {

enum class Type : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
std::string_view TypeName(Type type);

struct ParseOptions {
  int max_depth = 128;
  std::size_t max_bytes = 64u << 20;
  bool unique_keys = false;  ///< A duplicate key is an error: an approval and a tool must read the same value.
};

struct Tree;

/// A borrowed place in a document. A view of a missing place is valid to use: it is absent, with a path. Where it is
/// gets worked out only when somebody asks for the path.
class View {
 public:
  View() = default;
  bool exists() const;       ///< False for a missing member; true for null.
  bool is_null() const;      ///< Missing or null.
  Type type() const;         ///< kNull when missing.
  std::string path() const;  ///< "source.policy.allowed_commands[2]"

  View operator[](std::string_view member) const;  ///< Missing unless this is an object with that member.
  View operator[](std::size_t index) const;
  std::size_t size() const;  ///< Of an array or object; else 0.
  std::vector<std::string> keys() const;

  std::optional<std::string_view> string() const;  ///< Borrowed; may hold NUL.
  std::string Text() const;                        ///< "" for what is no string.
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer() const;  ///< Also of 3.0; not of 3.5.
  std::optional<double> number() const;

  /// The checked forms: kInvalidInput "<path>: expected string, found number".
  Result<std::string> AsString() const;
  Result<bool> AsBool() const;
  Result<std::int64_t> AsInt() const;
  Result<double> AsDouble() const;
  Result<std::vector<std::string>> AsStrings() const;  ///< Array of strings.

  /// Compact text, object members in document order.
  std::string Dump() const;
  std::string DumpPretty() const;
  /// RFC 8785 (JCS): members sorted by UTF-16 code units, ECMAScript numbers: integers above 2^53 are rounded to
  /// doubles.
  std::string DumpCanonical() const;

 private:
  friend class Document;
  View(const Tree* tree, const void* value) : tree_(tree), value_(value), nearest_(value) {}
  View Missing(std::string step) const;

  const Tree* tree_ = nullptr;
  const void* value_ = nullptr;    // rapidjson::Value
  const void* nearest_ = nullptr;  // the value, or of a missing one the last before it that exists
  std::string missing_;            // the path from there
};

/// Owns a parsed document. Moved, not copied.
class Document {
 public:
  /// Errors: kInvalidInput "<root>: <what> at byte N". Lone surrogate escapes become U+FFFD.
  static Result<Document> Parse(std::string_view text, std::string root = "", ParseOptions options = {});
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();
  View root() const;

 private:
  explicit Document(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

/// JSON text in which every escape of half a character (RFC 8259, section 8.2) has become \uFFFD; nothing else changes.
std::string ReplaceLoneSurrogates(std::string_view text);

/// Rejects members that are not in `known`: "source: unknown key 'promt' (did you mean 'prompt'?)".
Result<void> CheckKeys(const View& object, const std::vector<std::string>& known);

/// Writes JSON text straight into a string. Strings are scrubbed to valid UTF-8. Misuse (unbalanced calls) aborts.
class Writer {
 public:
  enum class Style : std::uint8_t { kCompact, kPretty };
  explicit Writer(Style style = Style::kCompact);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Writer& BeginObject();
  Writer& EndObject();
  Writer& BeginArray();
  Writer& EndArray();
  Writer& Key(std::string_view key);
  Writer& String(std::string_view value);
  Writer& Bool(bool value);
  Writer& Int(std::int64_t value);
  Writer& Uint(std::uint64_t value);
  Writer& Double(double value);  ///< NaN and infinities become null.
  Writer& Null();
  Writer& Raw(std::string_view json);  ///< Text that is valid JSON already; written as it is.
  /// A string of `size` characters that need no escape; `fill` writes them in place.
  Writer& PlainString(std::size_t size, const std::function<void(char*)>& fill);

  /// Shorthands for members.
  Writer& Member(std::string_view key, std::string_view value) { return Key(key).String(value); }
  Writer& Member(std::string_view key, const char* value) { return Key(key).String(value); }
  Writer& Member(std::string_view key, bool value) { return Key(key).Bool(value); }
  Writer& Member(std::string_view key, std::int64_t value) { return Key(key).Int(value); }
  Writer& Member(std::string_view key, std::uint64_t value) { return Key(key).Uint(value); }
  Writer& Member(std::string_view key, int value) { return Key(key).Int(value); }

  std::string Take();  ///< The finished text.

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rune::json
