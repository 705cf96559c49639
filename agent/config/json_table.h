#pragma once
/// A table whose members another room understands: a JSON object, parsed once, that copies share.

#include <memory>
#include <string_view>

#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::agent {

class JsonTable {
 public:
  JsonTable() = default;  ///< Says nothing.
  /// kInvalidInput for what is no JSON object. `name` begins the paths of the views: "caps".
  static Result<JsonTable> Parse(std::string_view json, std::string_view name);

  bool empty() const { return document_ == nullptr; }
  /// An object, or a missing place; valid as long as a copy of this table is there.
  json::View root() const { return empty() ? json::View() : document_->root(); }

  friend bool operator==(const JsonTable& a, const JsonTable& b) { return a.root().Dump() == b.root().Dump(); }

 private:
  std::shared_ptr<const json::Document> document_;
};

}  // namespace rune::agent
