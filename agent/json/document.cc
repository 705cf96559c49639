#include <algorithm>
#include <cstdlib>
#include <unordered_set>

#include "agent/json/json.h"
#include "agent/json/tree.h"
#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

// Behind tree.h, which says what RapidJSON does with a wrong type.
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace rune::json {
namespace {

/// Dump() and Validate() recurse to the depth of the document, so that no option may lift the limit beyond this.
constexpr int kDeepest = 1000;
constexpr std::string_view kBom = "\xEF\xBB\xBF";

/// Stands between the reader and the tree: stops at a depth, and at a repeated member when asked to.
class Filter {
 public:
  Filter(rapidjson::Document& tree, const ParseOptions& options)
      : tree_(tree), max_depth_(std::min(options.max_depth, kDeepest)), unique_keys_(options.unique_keys) {}

  bool Null() { return tree_.Null(); }
  bool Bool(bool value) { return tree_.Bool(value); }
  bool Int(int value) { return tree_.Int(value); }
  bool Uint(unsigned value) { return tree_.Uint(value); }
  bool Int64(std::int64_t value) { return tree_.Int64(value); }
  bool Uint64(std::uint64_t value) { return tree_.Uint64(value); }
  bool Double(double value) { return tree_.Double(value); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool copy) { return tree_.RawNumber(text, size, copy); }
  bool String(const char* text, rapidjson::SizeType size, bool copy) { return tree_.String(text, size, copy); }
  bool StartObject() {
    if (unique_keys_) keys_.emplace_back();
    return Enter() && tree_.StartObject();
  }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) {
    if (unique_keys_ && !keys_.back().emplace(text, size).second) {
      problem_ = "duplicate key '" + OneLine({text, size}, 64) + "'";
      return false;
    }
    return tree_.Key(text, size, copy);
  }
  bool EndObject(rapidjson::SizeType members) {
    if (unique_keys_) keys_.pop_back();
    --depth_;
    return tree_.EndObject(members);
  }
  bool StartArray() { return Enter() && tree_.StartArray(); }
  bool EndArray(rapidjson::SizeType elements) {
    --depth_;
    return tree_.EndArray(elements);
  }

  const std::string& problem() const { return problem_; }

 private:
  bool Enter() {
    if (++depth_ <= max_depth_) return true;
    problem_ = "nested deeper than " + std::to_string(max_depth_) + " levels";
    return false;
  }

  rapidjson::Document& tree_;
  int max_depth_;
  bool unique_keys_;
  int depth_ = 0;
  std::vector<std::unordered_set<std::string>> keys_;
  std::string problem_;
};

std::optional<unsigned> EscapedUnit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const auto digit = HexDigit(c);
    if (!digit) return std::nullopt;
    unit = unit * 16 + *digit;
  }
  return unit;
}

Error ParseError(const std::string& root, std::string what, std::size_t offset) {
  if (!what.empty() && what.back() == '.') what.pop_back();
  if (what.size() > 1 && IsLower(what[1])) what.replace(0, 1, ToLower(what.substr(0, 1)));
  const std::string prefix = root.empty() ? "" : root + ": ";
  return Error::Invalid(prefix + what + " at byte " + std::to_string(offset));
}

}  // namespace

std::string ReplaceLoneSurrogates(std::string_view text) {
  const auto is_high = [](std::optional<unsigned> unit) { return unit && *unit >= 0xD800 && *unit <= 0xDBFF; };
  const auto is_low = [](std::optional<unsigned> unit) { return unit && *unit >= 0xDC00 && *unit <= 0xDFFF; };
  std::string out(text);
  for (std::size_t at = out.find('\\'); at != std::string::npos; at = out.find('\\', at)) {
    const auto unit = EscapedUnit(out, at);
    if (is_high(unit) && is_low(EscapedUnit(out, at + 6))) {
      at += 12;
    } else if (is_high(unit) || is_low(unit)) {
      out.replace(at, 6, "\\uFFFD");
      at += 6;
    } else {
      at += 2;
    }
  }
  return out;
}

Document::Document(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;
View Document::root() const { return {tree_.get(), static_cast<const rapidjson::Value*>(&tree_->document)}; }

Result<Document> Document::Parse(std::string_view text, std::string root, ParseOptions options) {
  if (text.size() > options.max_bytes) {
    return ParseError(root, "more than " + std::to_string(options.max_bytes) + " bytes,", options.max_bytes);
  }
  const std::size_t skipped = text.starts_with(kBom) ? kBom.size() : 0;
  const std::string clean = ReplaceLoneSurrogates(text.substr(skipped));
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag;
  auto made = std::make_unique<Tree>();
  rapidjson::MemoryStream stream(clean.data(), clean.size());
  rapidjson::Reader reader;
  rapidjson::ParseResult parsed;
  std::string problem;
  const auto generate = [&](rapidjson::Document& tree) {
    Filter filter(tree, options);
    parsed = reader.Parse<kFlags>(stream, filter);
    problem = filter.problem();
    return !parsed.IsError();
  };
  made->document.Populate(generate);
  if (parsed.IsError()) {
    if (problem.empty()) problem = rapidjson::GetParseError_En(parsed.Code());
    return ParseError(root, std::move(problem), parsed.Offset() + skipped);
  }
  // The reader takes a NUL byte for the end of the text.
  if (stream.Tell() != clean.size()) return ParseError(root, "text after the value", stream.Tell() + skipped);
  made->root = std::move(root);
  return Document(std::move(made));
}

}  // namespace rune::json
