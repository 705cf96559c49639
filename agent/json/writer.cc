#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "agent/json/json.h"
#include "agent/json/number.h"
#include "sandbox/base/quoted.h"
#include "sandbox/base/text.h"

namespace rune::json {
struct Writer::Impl {
  enum class Level : std::uint8_t { kArray, kObject };
  struct Open {
    Level level;
    bool empty = true;
  };

  Style style = Style::kCompact;
  std::string text;
  std::vector<Open> open;
  bool after_key = false;
  bool done = false;

  void NewLine() {
    if (style == Style::kPretty) text.append("\n").append(open.size() * 2, ' ');
  }
  /// Writes what must stand before the next element or key of the open array or object.
  void Separate() {
    if (!open.back().empty) text += ',';
    open.back().empty = false;
    NewLine();
  }
  void BeforeValue() {
    if (done) std::abort();
    if (open.empty()) return;
    if (open.back().level == Level::kArray) {
      Separate();
    } else if (!after_key) {
      std::abort();
    }
    after_key = false;
  }
  void AfterValue() { done = open.empty(); }
  void Scalar(std::string_view token) {
    BeforeValue();
    text += token;
    AfterValue();
  }
  void Begin(Level level, char bracket) {
    BeforeValue();
    text += bracket;
    open.push_back({level});
  }
  void End(Level level, char bracket) {
    if (open.empty() || open.back().level != level || after_key) std::abort();
    const bool empty = open.back().empty;
    open.pop_back();
    if (!empty) NewLine();
    text += bracket;
    AfterValue();
  }
  template <typename T>
  void Integer(T value) {
    std::array<char, 24> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    Scalar({buffer.data(), static_cast<std::size_t>(end - buffer.data())});
  }
};

Writer::Writer(Style style) : impl_(std::make_unique<Impl>()) { impl_->style = style; }
Writer::~Writer() = default;

Writer& Writer::BeginObject() {
  impl_->Begin(Impl::Level::kObject, '{');
  return *this;
}

Writer& Writer::EndObject() {
  impl_->End(Impl::Level::kObject, '}');
  return *this;
}

Writer& Writer::BeginArray() {
  impl_->Begin(Impl::Level::kArray, '[');
  return *this;
}

Writer& Writer::EndArray() {
  impl_->End(Impl::Level::kArray, ']');
  return *this;
}

Writer& Writer::Key(std::string_view key) {
  if (impl_->open.empty() || impl_->open.back().level != Impl::Level::kObject || impl_->after_key) std::abort();
  impl_->Separate();
  if (IsValidUtf8(key)) {
    AppendJsonQuoted(impl_->text, key);
  } else {
    AppendJsonQuoted(impl_->text, ScrubUtf8(key));
  }
  impl_->text += impl_->style == Style::kPretty ? ": " : ":";
  impl_->after_key = true;
  return *this;
}

Writer& Writer::String(std::string_view value) {
  impl_->BeforeValue();
  if (IsValidUtf8(value)) {
    AppendJsonQuoted(impl_->text, value);
  } else {
    AppendJsonQuoted(impl_->text, ScrubUtf8(value));
  }
  impl_->AfterValue();
  return *this;
}

Writer& Writer::Bool(bool value) {
  impl_->Scalar(value ? "true" : "false");
  return *this;
}

Writer& Writer::Int(std::int64_t value) {
  impl_->Integer(value);
  return *this;
}

Writer& Writer::Uint(std::uint64_t value) {
  impl_->Integer(value);
  return *this;
}

Writer& Writer::Double(double value) {
  if (!std::isfinite(value)) return Null();
  impl_->Scalar(FormatNumber(value));
  return *this;
}

Writer& Writer::Null() {
  impl_->Scalar("null");
  return *this;
}

Writer& Writer::Raw(std::string_view json) {
  impl_->Scalar(json);
  return *this;
}

Writer& Writer::PlainString(std::size_t size, const std::function<void(char*)>& fill) {
  impl_->BeforeValue();
  impl_->text += '"';
  const std::size_t at = impl_->text.size();
  impl_->text.resize(at + size);
  fill(impl_->text.data() + at);
  impl_->text += '"';
  impl_->AfterValue();
  return *this;
}

std::string Writer::Take() {
  if (!impl_->done) std::abort();
  return std::move(impl_->text);
}

}  // namespace rune::json
