#include "agent/json/json.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "agent/json/tree.h"
#include "sandbox/base/text.h"

namespace rune::json {
namespace {

using Value = rapidjson::Value;

const Value* Raw(const void* value) { return static_cast<const Value*>(value); }

Error Mismatch(const View& view, std::string_view expected) {
  std::string message = "expected " + std::string(expected) + ", found ";
  message += view.exists() ? TypeName(view.type()) : "nothing";
  std::string path = view.path();
  return path.empty() ? Error::Invalid(std::move(message)) : Error::Invalid(std::move(message)).Wrap(std::move(path));
}

/// RFC 8785, section 3.2.3: order by UTF-16 code units. Surrogates (U+10000 and up) sort before U+E000..U+FFFF, else it
/// is the order of the UTF-8 bytes.
bool Utf16Less(std::string_view a, std::string_view b) {
  const auto [left, right] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (right == b.end()) return false;
  if (left == a.end()) return true;
  const auto rank = [](char c) {
    const unsigned byte = static_cast<unsigned char>(c);
    return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;  // above every four-byte lead (F0..F4)
  };
  return rank(*left) < rank(*right);
}

enum class Form : std::uint8_t { kAsIs, kCanonical };

/// Depth is bounded by the parser.
void Write(const Value& value, Form form, Writer& out) {
  switch (value.GetType()) {
    case rapidjson::kNullType:
      out.Null();
      return;
    case rapidjson::kFalseType:
      out.Bool(false);
      return;
    case rapidjson::kTrueType:
      out.Bool(true);
      return;
    case rapidjson::kStringType:
      out.String({value.GetString(), value.GetStringLength()});
      return;
    case rapidjson::kNumberType:
      if (form == Form::kCanonical || value.IsDouble()) {
        out.Double(value.GetDouble());
      } else if (value.IsInt64()) {
        out.Int(value.GetInt64());
      } else {
        out.Uint(value.GetUint64());
      }
      return;
    case rapidjson::kArrayType:
      out.BeginArray();
      for (const Value& element : value.GetArray()) Write(element, form, out);
      out.EndArray();
      return;
    case rapidjson::kObjectType:
      break;
  }
  std::vector<const Value::Member*> members;
  members.reserve(value.MemberCount());
  for (const Value::Member& member : value.GetObject()) members.push_back(&member);
  const auto name = [](const Value::Member* member) {
    return std::string_view(member->name.GetString(), member->name.GetStringLength());
  };
  if (form == Form::kCanonical) {
    std::stable_sort(members.begin(), members.end(),
                     [&](const auto* a, const auto* b) { return Utf16Less(name(a), name(b)); });
  }
  out.BeginObject();
  for (const Value::Member* member : members) {
    out.Key(name(member));
    Write(member->value, form, out);
  }
  out.EndObject();
}

std::string DumpAs(const void* value, Form form, Writer::Style style) {
  if (value == nullptr) return "null";
  Writer out(style);
  Write(*Raw(value), form, out);
  return out.Take();
}

}  // namespace

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kNull:
      return "null";
    case Type::kBool:
      return "boolean";
    case Type::kNumber:
      return "number";
    case Type::kString:
      return "string";
    case Type::kArray:
      return "array";
    case Type::kObject:
      return "object";
  }
  std::abort();
}

bool View::exists() const { return value_ != nullptr; }
bool View::is_null() const { return value_ == nullptr || Raw(value_)->IsNull(); }

Type View::type() const {
  if (value_ == nullptr) return Type::kNull;
  switch (Raw(value_)->GetType()) {
    case rapidjson::kNullType:
      return Type::kNull;
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return Type::kBool;
    case rapidjson::kObjectType:
      return Type::kObject;
    case rapidjson::kArrayType:
      return Type::kArray;
    case rapidjson::kStringType:
      return Type::kString;
    case rapidjson::kNumberType:
      return Type::kNumber;
  }
  std::abort();
}

std::string View::path() const {
  const std::string path = (tree_ == nullptr ? std::string() : tree_->PathOf(Raw(nearest_))) + missing_;
  return path.starts_with('.') ? path.substr(1) : path;
}

View View::Missing(std::string step) const {
  View missing(tree_, nullptr);
  missing.nearest_ = nearest_;
  missing.missing_ = missing_.empty() ? std::move(step) : missing_ + step;
  return missing;
}

View View::operator[](std::string_view member) const {
  if (type() == Type::kObject) {
    const Value name(rapidjson::StringRef(member.data() == nullptr ? "" : member.data(), member.size()));
    const auto at = Raw(value_)->FindMember(name);
    if (at != Raw(value_)->MemberEnd()) return {tree_, &at->value};
  }
  return Missing(MemberStep(member));
}

View View::operator[](std::size_t index) const {
  if (type() == Type::kArray && index < size()) {
    return {tree_, &(*Raw(value_))[static_cast<rapidjson::SizeType>(index)]};
  }
  return Missing(ElementStep(index));
}

std::size_t View::size() const {
  if (type() == Type::kArray) return Raw(value_)->Size();
  return type() == Type::kObject ? Raw(value_)->MemberCount() : 0;
}

std::vector<std::string> View::keys() const {
  std::vector<std::string> names;
  if (type() != Type::kObject) return names;
  for (const auto& member : Raw(value_)->GetObject()) {
    names.emplace_back(member.name.GetString(), member.name.GetStringLength());
  }
  return names;
}

std::optional<std::string_view> View::string() const {
  if (type() != Type::kString) return std::nullopt;
  return std::string_view(Raw(value_)->GetString(), Raw(value_)->GetStringLength());
}

std::string View::Text() const { return std::string(string().value_or("")); }

std::optional<bool> View::boolean() const {
  if (type() != Type::kBool) return std::nullopt;
  return Raw(value_)->GetBool();
}

std::optional<std::int64_t> View::integer() const {
  if (type() != Type::kNumber) return std::nullopt;
  if (Raw(value_)->IsInt64()) return Raw(value_)->GetInt64();
  const double number = Raw(value_)->GetDouble();
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (number != std::floor(number) || number < -kTwoTo63 || number >= kTwoTo63) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<double> View::number() const {
  if (type() != Type::kNumber) return std::nullopt;
  return Raw(value_)->GetDouble();
}

Result<std::string> View::AsString() const {
  if (const auto text = string()) return std::string(*text);
  return Mismatch(*this, "string");
}

Result<bool> View::AsBool() const {
  if (const auto value = boolean()) return *value;
  return Mismatch(*this, "boolean");
}

Result<std::int64_t> View::AsInt() const {
  if (const auto value = integer()) return *value;
  if (type() == Type::kNumber) return Error::Invalid("expected integer, found " + Dump()).Wrap(path());
  return Mismatch(*this, "integer");
}

Result<double> View::AsDouble() const {
  if (const auto value = number()) return *value;
  return Mismatch(*this, "number");
}

Result<std::vector<std::string>> View::AsStrings() const {
  if (type() != Type::kArray) return Mismatch(*this, "array of strings");
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < size(); ++i) {
    RUNE_ASSIGN_OR_RETURN(strings.emplace_back(), (*this)[i].AsString());
  }
  return strings;
}

std::string View::Dump() const { return DumpAs(value_, Form::kAsIs, Writer::Style::kCompact); }
std::string View::DumpPretty() const { return DumpAs(value_, Form::kAsIs, Writer::Style::kPretty); }
std::string View::DumpCanonical() const { return DumpAs(value_, Form::kCanonical, Writer::Style::kCompact); }

Result<void> CheckKeys(const View& object, const std::vector<std::string>& known) {
  if (object.is_null()) return Ok();
  if (object.type() != Type::kObject) return Mismatch(object, "object");
  for (const std::string& key : object.keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string message = "unknown key '" + OneLine(key, 64) + "'";
    if (const auto nearest = Nearest(key, known)) message += " (did you mean '" + *nearest + "'?)";
    Error error = Error::Invalid(std::move(message));
    std::string path = object.path();
    return path.empty() ? error : std::move(error).Wrap(std::move(path));
  }
  return Ok();
}

}  // namespace rune::json
