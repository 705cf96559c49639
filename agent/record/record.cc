#include "agent/record/record.h"

#include "agent/json/json.h"
#include "agent/record/deflate.h"
#include "agent/record/ref.h"
#include "agent/record/seal.h"
#include "sandbox/base/encoding.h"

namespace rune::agent {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::string_view kKnownCodecs = "pdst";
constexpr char kPlain = 'p';
constexpr char kDeflate = 'd';
constexpr char kSealedPlain = 's';
constexpr char kSealedDeflate = 't';

Error Damaged(const std::string& why) { return {ErrorKind::kProtocol, "the record is damaged: " + why}; }

void WriteTools(json::Writer& writer, const std::vector<RecordedTool>& tools) {
  writer.Key("k").BeginArray();
  for (const RecordedTool& tool : tools) writer.String((tool.refused ? "!" : "=") + tool.summary);
  writer.EndArray();
}

void WriteEgress(json::Writer& writer, const std::vector<RecordedEgress>& egress) {
  writer.Key("g").BeginArray();
  for (const RecordedEgress& line : egress) {
    writer.BeginArray().String(line.target).Uint(line.port).Uint(line.connections).Uint(line.refused);
    writer.Uint(line.sent).Uint(line.received).EndArray();
  }
  writer.EndArray();
}

void WriteDenials(json::Writer& writer, const std::vector<RecordedDenial>& denials) {
  writer.Key("n").BeginArray();
  for (const RecordedDenial& denial : denials) {
    writer.BeginArray().String(denial.what).String(denial.target).String(denial.message).Uint(denial.count).EndArray();
  }
  writer.EndArray();
}

Result<std::string> ToJson(const Record& record) {
  json::Writer writer;
  writer.BeginObject().Member("v", kFormat).Member("c", CanonicalRuleName(record.form.rule));
  if (!record.form.pointers.empty()) {
    writer.Key("f").BeginArray();
    for (const std::string& pointer : record.form.pointers) writer.String(pointer);
    writer.EndArray();
  }
  if (!record.prompt_digest.empty()) writer.Member("q", record.prompt_digest);
  if (record.prompt) writer.Member("p", *record.prompt);
  writer.Member("a", record.answer);
  if (!record.model.empty()) writer.Member("m", record.model);
  if (record.time != 0) writer.Member("t", record.time);
  if (record.steps != 0) {
    writer.Key("u").BeginArray().Uint(record.input_tokens).Uint(record.cached_tokens).Uint(record.output_tokens);
    writer.Uint(record.steps);
    if (record.reasoning_tokens > 0 || record.cost) writer.Uint(record.reasoning_tokens);
    if (record.cost) writer.Uint(*record.cost);
    writer.EndArray();
  }
  if (!record.layers.empty()) writer.Member("s", record.layers);
  if (record.probes_tried > 0)
    writer.Key("b").BeginArray().Uint(record.probes_closed).Uint(record.probes_tried).EndArray();
  if (!record.tools.empty()) WriteTools(writer, record.tools);
  if (!record.egress.empty()) WriteEgress(writer, record.egress);
  if (!record.denials.empty()) WriteDenials(writer, record.denials);
  if (!record.outcome.empty()) writer.Member("o", record.outcome);
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(writer.EndObject().Take(), "record"));
  return document.root().DumpCanonical();
}

std::uint64_t CountAt(const json::View& place) {
  const std::int64_t value = place.integer().value_or(0);
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

/// What is told of the tools: their calls, what they exchanged, what was refused.
void ReadTools(const json::View& root, Record& record) {
  const json::View tools = root["k"];
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const std::string tool = tools[i].Text();
    if (!tool.empty()) record.tools.push_back({tool.substr(1), tool.front() == '!'});
  }
  const json::View egress = root["g"];
  for (std::size_t i = 0; i < egress.size(); ++i) {
    const json::View line = egress[i];
    record.egress.push_back({line[std::size_t{0}].Text(), static_cast<std::uint16_t>(CountAt(line[std::size_t{1}])),
                             static_cast<std::uint32_t>(CountAt(line[std::size_t{2}])),
                             static_cast<std::uint32_t>(CountAt(line[std::size_t{3}])), CountAt(line[std::size_t{4}]),
                             CountAt(line[std::size_t{5}])});
  }
  const json::View denials = root["n"];
  for (std::size_t i = 0; i < denials.size(); ++i) {
    const json::View denial = denials[i];
    record.denials.push_back({denial[std::size_t{0}].Text(), denial[std::size_t{1}].Text(),
                              denial[std::size_t{2}].Text(),
                              static_cast<std::uint32_t>(CountAt(denial[std::size_t{3}]))});
  }
}

Result<Record> FromJson(std::string_view text) {
  json::ParseOptions options;
  options.max_depth = 16;
  options.max_bytes = kMaxRecordBytes;
  auto parsed = json::Document::Parse(text, "record", options);
  if (!parsed.ok()) return Damaged(parsed.error().message);
  const json::View root = parsed->root();
  const auto rule = ParseCanonicalRule(root["c"].Text());
  if (!rule || !root["a"].string()) return Damaged("no answer in it");
  Record record;
  record.form.rule = *rule;
  const json::View pointers = root["f"];
  for (std::size_t i = 0; i < pointers.size(); ++i) record.form.pointers.push_back(pointers[i].Text());
  record.prompt_digest = root["q"].Text();
  if (root["p"].string()) record.prompt = root["p"].Text();
  record.answer = root["a"].Text();
  record.model = root["m"].Text();
  record.time = root["t"].integer().value_or(0);
  const json::View usage = root["u"];
  record.input_tokens = CountAt(usage[std::size_t{0}]);
  record.cached_tokens = CountAt(usage[std::size_t{1}]);
  record.output_tokens = CountAt(usage[std::size_t{2}]);
  record.steps = static_cast<std::uint32_t>(CountAt(usage[std::size_t{3}]));
  record.reasoning_tokens = CountAt(usage[std::size_t{4}]);
  if (usage[std::size_t{5}].exists()) record.cost = CountAt(usage[std::size_t{5}]);
  record.layers = root["s"].Text();
  ReadTools(root, record);
  record.probes_closed = static_cast<std::uint32_t>(CountAt(root["b"][std::size_t{0}]));
  record.probes_tried = static_cast<std::uint32_t>(CountAt(root["b"][std::size_t{1}]));
  record.outcome = root["o"].Text();
  return record;
}

/// The bytes behind the codec letter, opened and unpacked.
Result<std::string> Unpack(char codec, std::string bytes, std::string_view ref, std::string_view secret) {
  if (codec == kSealedPlain || codec == kSealedDeflate) {
    if (secret.empty()) return Error{ErrorKind::kDenied, "the record is sealed, and there is no key here to open it"};
    RUNE_ASSIGN_OR_RETURN(const Seal seal, Seal::FromSecret(secret));
    RUNE_ASSIGN_OR_RETURN(bytes, seal.Open(bytes, ref));
  }
  if (codec == kDeflate || codec == kSealedDeflate) return Inflate(bytes, kMaxRecordBytes);
  return bytes;
}

}  // namespace

Result<std::string> EncodeRecord(const Record& record, std::string_view ref, std::string_view secret) {
  RUNE_ASSIGN_OR_RETURN(std::string content, ToJson(record));
  if (content.size() > kMaxRecordBytes) return Error::Invalid("the answer is larger than a record may be");
  RUNE_ASSIGN_OR_RETURN(std::string packed, Deflate(content));
  const bool deflated = packed.size() < content.size();
  std::string& bytes = deflated ? packed : content;
  if (secret.empty()) return (deflated ? kDeflate : kPlain) + Base64UrlEncode(bytes);
  RUNE_ASSIGN_OR_RETURN(const Seal seal, Seal::FromSecret(secret));
  RUNE_ASSIGN_OR_RETURN(const std::string sealed, seal.Close(bytes, ref));
  return (deflated ? kSealedDeflate : kSealedPlain) + Base64UrlEncode(sealed);
}

Result<std::optional<std::string>> FitRecord(Record& record, std::string_view ref, std::string_view secret,
                                             std::size_t limit) {
  const auto fits = [limit](const std::string& text) { return text.size() <= limit; };
  RUNE_ASSIGN_OR_RETURN(std::string whole, EncodeRecord(record, ref, secret));
  if (fits(whole)) return std::optional(std::move(whole));
  record.tools.clear();
  record.egress.clear();
  record.denials.clear();
  RUNE_ASSIGN_OR_RETURN(std::string without_tools, EncodeRecord(record, ref, secret));
  if (fits(without_tools)) return std::optional(std::move(without_tools));
  record.prompt.reset();
  RUNE_ASSIGN_OR_RETURN(std::string bare, EncodeRecord(record, ref, secret));
  if (fits(bare)) return std::optional(std::move(bare));
  return std::optional<std::string>();
}

Result<std::optional<Record>> DecodeRecord(std::string_view text, std::string_view ref, std::string_view secret) {
  if (text.empty()) return Damaged("it is empty");
  if (kKnownCodecs.find(text.front()) == std::string_view::npos) return std::optional<Record>();
  auto bytes = Base64UrlDecode(text.substr(1));
  if (!bytes) return Damaged("not base64url");
  RUNE_ASSIGN_OR_RETURN(const std::string content, Unpack(text.front(), std::move(*bytes), ref, secret));
  RUNE_ASSIGN_OR_RETURN(Record record, FromJson(content));
  const auto actual = RefOf(record.answer, record.form);
  if (!actual.ok() || *actual != ref) {
    return Error{ErrorKind::kProtocol, "the record does not belong to its ref: the answer in it has another hash"};
  }
  return std::optional(std::move(record));
}

}  // namespace rune::agent
