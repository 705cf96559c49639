#include "agent/wires/call_assembler.h"

#include <utility>

#include "sandbox/base/text.h"

namespace rune::agent {

bool IsJsonObject(std::string_view text) {
  text = Trim(text);
  if (!text.starts_with('{') || !text.ends_with('}')) return false;
  const auto document = json::Document::Parse(text);
  return document.ok() && document->root().type() == json::Type::kObject;
}

std::string TidyArguments(const std::string& args) {
  const std::string_view trimmed = Trim(args);
  if (trimmed.empty() || trimmed == "null") return "{}";
  if (trimmed.starts_with('"')) {
    const auto document = json::Document::Parse(trimmed);
    if (document.ok() && IsJsonObject(document->root().string().value_or(""))) {
      return std::string(*document->root().string());
    }
  }
  return args;
}

/// A named piece that cannot belong to `call`: that one is whole, or has begun under another name.
bool CallAssembler::Opens(const Partial& call, const Piece& piece) {
  if (piece.name.empty() || call.name.empty()) return false;
  if (call.args.empty()) return false;
  if (piece.name != call.name) return true;
  return Trim(piece.args).starts_with('{') && IsJsonObject(call.args);
}

/// The whole call once more, as some servers send at the end.
bool CallAssembler::Repeats(const Partial& call, const Piece& piece) const {
  if (call.chunk == chunk_ || (!piece.name.empty() && piece.name != call.name)) return false;
  return !piece.args.empty() && piece.args == call.args && IsJsonObject(call.args);
}

template <class Places, class Key>
CallAssembler::Partial* CallAssembler::At(const Places& places, const Key& key) {
  const auto found = places.find(key);
  return found == places.end() ? nullptr : &calls_[found->second];
}

CallAssembler::Partial* CallAssembler::FindById(const Piece& piece) {
  if (Partial* const known = At(by_id_, piece.id)) {
    if (Repeats(*known, piece)) return known;
    const bool elsewhere = piece.index && known->index && piece.index != known->index && !piece.name.empty();
    return elsewhere || Opens(*known, piece) ? nullptr : known;
  }
  if (!piece.index) return nullptr;
  // A new id for an index that is known: pieces of one call when they have no name (some make an id per chunk), else
  // a server whose calls all have index 0.
  return piece.name.empty() ? At(by_index_, *piece.index) : nullptr;
}

CallAssembler::Partial* CallAssembler::Find(const Piece& piece) {
  if (calls_.empty()) return nullptr;
  if (!piece.id.empty()) return FindById(piece);
  Partial* call = &calls_.back();
  if (piece.index) {
    call = At(by_index_, *piece.index);
    if (call == nullptr) return nullptr;
  } else if (!piece.name.empty() && !call->name.empty() && (call->chunk == chunk_ || piece.name != call->name)) {
    return nullptr;  // neither id nor index: such servers send whole calls
  }
  return Opens(*call, piece) && !Repeats(*call, piece) ? nullptr : call;
}

void CallAssembler::AddName(Partial& call, std::string_view name) {
  if (name.starts_with(call.name)) {
    call.name = name;  // the first, the same again, or a longer form of what came before
  } else {
    call.name += name;
  }
}

std::size_t CallAssembler::Add(const json::View& piece_view) {
  const json::View function = piece_view["function"];
  const json::View args = function["arguments"];
  Piece piece{.id = piece_view["id"].string().value_or(""),
              .name = function["name"].string().value_or(""),
              .args = args.Text(),
              .index = piece_view["index"].integer()};
  if (!args.is_null() && !args.string()) piece.args = args.Dump();  // an object where a string should be

  Partial* call = Find(piece);
  if (call == nullptr) {
    call = &calls_.emplace_back();
    call->index = piece.index;
    if (piece.index) by_index_[*piece.index] = calls_.size() - 1;
  }
  if (call->id.empty() && !piece.id.empty()) {
    call->id = piece.id;
    by_id_[call->id] = static_cast<std::size_t>(call - calls_.data());
  }
  if (!Repeats(*call, piece)) {
    AddName(*call, piece.name);
    call->args += piece.args;
  }
  call->chunk = chunk_;
  const json::View extra = piece_view["extra_content"];
  if (extra.type() == json::Type::kObject) call->extra = extra.Dump();
  return piece.args.size() + piece.name.size();
}

std::vector<ToolCall> CallAssembler::Finish() const {
  std::vector<ToolCall> calls;
  for (const Partial& call : calls_) {
    if (call.id.empty() && Trim(call.name).empty() && Trim(call.args).empty()) continue;
    ToolCall& made = calls.emplace_back(ToolCall{call.id, std::string(Trim(call.name)), TidyArguments(call.args)});
    if (!call.extra.empty()) made.opaque = R"({"extra_content":)" + call.extra + "}";
  }
  return calls;
}

}  // namespace rune::agent
