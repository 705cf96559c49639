#include "agent/wires/gemini_schema.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "agent/json/json.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr int kMaxReferences = 6;  // inside one another
constexpr int kMaxNodes = 4000;    // of the result: references can multiply
constexpr std::string_view kAnyObject = R"({"type":"object","properties":{}})";

using Names = std::vector<std::string_view>;

bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Empty for what is no type.
std::string_view KnownType(std::string_view name) {
  static const Names kTypes{"string", "number", "integer", "boolean", "array", "object", "null"};
  return Contains(kTypes, name) ? name : std::string_view();
}

/// "#/$defs/a~1b" (RFC 6901).
json::View Resolve(const json::View& root, std::string_view reference) {
  if (!reference.starts_with('#')) return {};
  json::View at = root;
  for (const std::string_view token : Split(reference.substr(1), '/')) {
    if (token.empty()) continue;
    std::string name;
    for (std::size_t i = 0; i < token.size(); ++i) {
      const bool escape = token[i] == '~' && i + 1 < token.size();
      name += !escape ? token[i] : token[++i] == '1' ? '/' : '~';
    }
    const auto index = ParseInt(name);
    at = at.type() == json::Type::kArray && index && *index >= 0 ? at[static_cast<std::size_t>(*index)] : at[name];
  }
  return at;
}

/// A schema together with those that it refers to. What the reference itself says beside it wins.
class Node {
 public:
  Node(const json::View& root, json::View at, int references) : references_(references) {
    while (true) {
      layers_.push_back(at);
      const auto reference = at["$ref"].string();
      const json::View all = at["allOf"];
      if (!reference && all.size() != 1) return;
      if (++references_ > kMaxReferences) return;
      at = reference ? Resolve(root, *reference) : all[std::size_t{0}];
    }
  }
  json::View operator[](std::string_view key) const {
    for (const json::View& layer : layers_) {
      if (json::View value = layer[key]; value.exists()) return value;
    }
    return {};
  }
  int references() const { return references_; }

 private:
  std::vector<json::View> layers_;
  int references_;
};

class Sanitiser {
 public:
  explicit Sanitiser(json::View root) : root_(std::move(root)) {}

  std::string Run() {
    const Node node(root_, root_, 0);
    out_.BeginObject();
    const bool says_nothing = !node["type"].exists() && !node["anyOf"].exists() && !node["oneOf"].exists();
    says_nothing ? WriteTyped(node, "object") : WriteBody(node);
    out_.EndObject();
    return out_.Take();
  }

 private:
  void Write(const json::View& view, int references) {
    out_.BeginObject();
    if (++nodes_ <= kMaxNodes && references <= kMaxReferences) WriteBody(Node(root_, view, references));
    out_.EndObject();
  }

  void WriteBody(const Node& node) {
    const json::View type = node["type"];
    if (const auto name = type.string()) return WriteTyped(node, KnownType(*name));
    if (WriteAlternatives(node)) return WriteWords(node);
    if (type.size() == 1) return WriteTyped(node, KnownType(type[std::size_t{0}].string().value_or("")));
    if (type.size() == 0) return WriteTyped(node, "");
    WriteWords(node);
    out_.Key("anyOf").BeginArray();
    for (std::size_t i = 0; i < type.size(); ++i) {
      out_.BeginObject();
      WriteConstraints(node, KnownType(type[i].string().value_or("")));
      out_.EndObject();
    }
    out_.EndArray();
  }

  void WriteTyped(const Node& node, std::string_view type) {
    WriteWords(node);
    WriteConstraints(node, type);
    WriteAlternatives(node);
  }

  void WriteWords(const Node& node) {
    for (const std::string_view key : {"title", "description"}) {
      if (const auto text = node[key].string()) out_.Member(key, *text);
    }
  }

  bool WriteAlternatives(const Node& node) {
    for (const std::string_view key : {"anyOf", "oneOf"}) {
      const json::View list = node[key];
      if (list.type() != json::Type::kArray || list.size() == 0) continue;
      out_.Key("anyOf").BeginArray();
      for (std::size_t i = 0; i < list.size(); ++i) Write(list[i], node.references());
      out_.EndArray();
      return true;
    }
    return false;
  }

  /// What can hold for a value of `type`; empty: of any type.
  void WriteConstraints(const Node& node, std::string_view type) {
    const auto is = [type](std::initializer_list<std::string_view> types) {
      return type.empty() || std::find(types.begin(), types.end(), type) != types.end();
    };
    if (!type.empty()) out_.Member("type", type);
    if (is({"string", "number", "integer"})) WriteValues(node, type);
    if (is({"number", "integer"})) {
      WriteBound(node, {"minimum", "exclusiveMinimum", 1}, type);
      WriteBound(node, {"maximum", "exclusiveMaximum", -1}, type);
    }
    if (is({"array"})) WriteArray(node);
    if (is({"object"})) WriteObject(node);
  }

  void WriteValues(const Node& node, std::string_view type) {
    static const Names kFormats{"date-time", "enum", "float", "double", "int32", "int64"};
    const auto format = node["format"].string();
    if (format && Contains(kFormats, *format)) out_.Member("format", *format);
    std::vector<std::string> values;
    const auto take = [&](const json::View& value) {
      const bool text = value.string() && type != "number" && type != "integer";
      const bool number = value.number() && type != "string";
      if (text || number) values.push_back(value.Dump());
    };
    const json::View list = node["enum"];
    if (node["const"].exists()) take(node["const"]);
    for (std::size_t i = 0; i < list.size() && !node["const"].exists(); ++i) take(list[i]);
    if (values.empty()) return;
    out_.Key("enum").BeginArray();
    for (const std::string& value : values) out_.Raw(value);
    out_.EndArray();
  }

  struct Bound {
    std::string_view name;
    std::string_view exclusive;
    int inwards;
  };
  void WriteBound(const Node& node, const Bound& bound, std::string_view type) {
    std::optional<double> value = node[bound.name].number();
    if (auto exclusive = node[bound.exclusive].number()) {
      if (type == "integer") exclusive = bound.inwards > 0 ? std::floor(*exclusive) + 1 : std::ceil(*exclusive) - 1;
      const bool stricter = value && (*exclusive - *value) * bound.inwards <= 0;
      if (!stricter) value = exclusive;
    }
    if (value) out_.Key(bound.name).Double(*value);
  }

  void WriteCount(const Node& node, std::string_view key) {
    if (const auto count = node[key].integer()) out_.Member(key, *count);
  }

  void WriteArray(const Node& node) {
    const json::View items = node["items"];
    if (items.type() == json::Type::kObject) {
      out_.Key("items");
      Write(items, node.references());
    }
    const json::View first = items.type() == json::Type::kArray ? items : node["prefixItems"];
    if (first.type() == json::Type::kArray && first.size() > 0) {
      out_.Key("prefixItems").BeginArray();
      for (std::size_t i = 0; i < first.size(); ++i) Write(first[i], node.references());
      out_.EndArray();
    }
    WriteCount(node, "minItems");
    WriteCount(node, "maxItems");
  }

  void WriteObject(const Node& node) {
    const json::View properties = node["properties"];
    const std::vector<std::string> names = properties.keys();
    if (properties.type() == json::Type::kObject) {
      out_.Key("properties").BeginObject();
      for (const std::string& name : names) {
        out_.Key(name);
        Write(properties[name], node.references());
      }
      out_.EndObject();
    }
    const json::View others = node["additionalProperties"];
    if (const auto open = others.boolean()) {
      out_.Member("additionalProperties", *open);
    } else if (others.type() == json::Type::kObject) {
      out_.Key("additionalProperties");
      Write(others, node.references());
    }
    for (const std::string_view key : {"required", "propertyOrdering"}) WriteNames(node[key], key, names);
  }

  /// A name that is no property is refused.
  void WriteNames(const json::View& list, std::string_view key, const std::vector<std::string>& known) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto name = list[i].string();
      if (name && std::find(known.begin(), known.end(), *name) != known.end()) names.push_back(*name);
    }
    if (names.empty()) return;
    out_.Key(key).BeginArray();
    for (const std::string_view name : names) out_.String(name);
    out_.EndArray();
  }

  json::View root_;
  json::Writer out_;
  int nodes_ = 0;
};

}  // namespace

std::string SanitiseForGemini(std::string_view schema) {
  const auto document = json::Document::Parse(schema);
  if (!document.ok() || document->root().type() != json::Type::kObject) return std::string(kAnyObject);
  return Sanitiser(document->root()).Run();
}

}  // namespace rune::agent
