#include "resource/request/sandbox_block.h"

#include <array>

#include "agent/config/policy_json.h"
#include "resource/request/fields.h"

namespace rune::resource {
namespace {

/// What the block says; unset members were not written.
struct Block {
  std::optional<agent::PolicyMode> mode;
  std::optional<sandbox::Enforcement> enforcement;
  std::optional<std::vector<sandbox::Layer>> require;
  std::optional<std::vector<std::string>> allowed_commands;
  std::optional<std::vector<std::string>> allowed_domains;
  std::optional<std::vector<std::string>> paths_rw;
  std::optional<std::vector<std::string>> paths_ro;
  std::optional<std::vector<std::string>> denied_paths;
  std::optional<std::uint64_t> timeout_secs;
  std::optional<std::uint64_t> max_memory_mb;
  std::optional<std::uint64_t> max_pids;
  std::optional<std::uint64_t> max_upload_mb;
};

Result<void> ReadMode(const json::View& view, Block& block) {
  constexpr std::array<std::string_view, 3> kWords{"confirm", "allowlist", "unrestricted"};
  block.mode = agent::ParsePolicyMode(view.string().value_or(""));
  if (!block.mode) return ExpectedOneOf(view, kWords);
  return Ok();
}

Result<void> ReadEnforcement(const json::View& view, Block& block) {
  constexpr std::array<std::string_view, 3> kWords{"best-effort", "strict", "require"};
  const std::string_view word = view.string().value_or("");
  if (word != "best-effort" && word != "strict" && word != "require") return ExpectedOneOf(view, kWords);
  block.enforcement = word == "best-effort" ? sandbox::Enforcement::kBestEffort : sandbox::Enforcement::kRequire;
  return Ok();
}

Result<void> ReadRequire(const json::View& view, Block& block) {
  constexpr std::array<std::string_view, 5> kWords{"limits", "network", "seccomp", "landlock", "names"};
  std::vector<std::string> names;
  RUNE_RETURN_IF_ERROR(ReadTexts(view, names));
  block.require.emplace();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto layer = sandbox::ParseLayer(names[i]);
    if (!layer) return ExpectedOneOf(view.type() == json::Type::kArray ? view[i] : view, kWords);
    block.require->push_back(*layer);
  }
  return Ok();
}

template <std::optional<std::vector<std::string>> Block::* member>
Result<void> ReadList(const json::View& view, Block& block) {
  return ReadTexts(view, (block.*member).emplace());
}

template <std::optional<std::uint64_t> Block::* member>
Result<void> ReadLimit(const json::View& view, Block& block) {
  return ReadCount(view, (block.*member).emplace());
}

constexpr std::array<Field<Block>, 2> kNetwork{
    {{"allowed_domains", ReadList<&Block::allowed_domains>}, {"max_upload_mb", ReadLimit<&Block::max_upload_mb>}}};
constexpr std::array<Field<Block>, 3> kFilesystem{{{"read_write_paths", ReadList<&Block::paths_rw>},
                                                   {"read_only_paths", ReadList<&Block::paths_ro>},
                                                   {"denied_paths", ReadList<&Block::denied_paths>}}};
constexpr std::array<Field<Block>, 3> kResources{{{"timeout_secs", ReadLimit<&Block::timeout_secs>},
                                                  {"max_memory_mb", ReadLimit<&Block::max_memory_mb>},
                                                  {"max_pids", ReadLimit<&Block::max_pids>}}};

Result<void> ReadNetwork(const json::View& view, Block& block) { return ReadFields<Block>(view, kNetwork, block); }
Result<void> ReadFilesystem(const json::View& view, Block& block) {
  return ReadFields<Block>(view, kFilesystem, block);
}
Result<void> ReadResources(const json::View& view, Block& block) { return ReadFields<Block>(view, kResources, block); }

constexpr std::array<Field<Block>, 7> kSandbox{{{"policy_mode", ReadMode},
                                                {"mode", ReadEnforcement},
                                                {"require", ReadRequire},
                                                {"network", ReadNetwork},
                                                {"filesystem", ReadFilesystem},
                                                {"resources", ReadResources},
                                                {"allowed_commands", ReadList<&Block::allowed_commands>}}};

/// Takes `said` over into `into`, unless source.policy said something else under `key`.
template <typename T, typename U>
Result<void> Merge(const std::optional<T>& said, const json::View& policy, std::string_view key, U& into) {
  if (!said) return Ok();
  const U value = static_cast<U>(*said);
  if (!policy[key].is_null() && into != value) {
    return Error::Invalid(policy[key].path() + " and source.sandbox say different things: keep one of them");
  }
  into = value;
  return Ok();
}

Result<void> MergeBlock(const Block& block, const json::View& policy, agent::PolicyConfig& into) {
  if (block.mode) {
    if (!policy["mode"].is_null() && into.mode != block.mode) {
      return Error::Invalid("source.policy.mode and source.sandbox.policy_mode disagree: keep one of them");
    }
    into.mode = block.mode;
  }
  RUNE_RETURN_IF_ERROR(Merge(block.allowed_commands, policy, "allowed_commands", into.allowed_commands));
  RUNE_RETURN_IF_ERROR(Merge(block.allowed_domains, policy, "allowed_domains", into.allowed_domains));
  RUNE_RETURN_IF_ERROR(Merge(block.paths_rw, policy, "allowed_paths_rw", into.allowed_paths_rw));
  RUNE_RETURN_IF_ERROR(Merge(block.paths_ro, policy, "allowed_paths_ro", into.allowed_paths_ro));
  RUNE_RETURN_IF_ERROR(Merge(block.denied_paths, policy, "denied_paths", into.denied_paths));
  RUNE_RETURN_IF_ERROR(Merge(block.max_memory_mb, policy, "max_memory_mb", into.max_memory_mb));
  RUNE_RETURN_IF_ERROR(Merge(block.max_pids, policy, "max_pids", into.max_pids));
  RUNE_RETURN_IF_ERROR(Merge(block.max_upload_mb, policy, "max_upload_mb", into.max_upload_mb));
  RUNE_RETURN_IF_ERROR(Merge(block.enforcement, policy, "enforcement", into.enforcement));
  if (block.require) {
    if (block.enforcement == sandbox::Enforcement::kBestEffort && !block.require->empty()) {
      return Error::Invalid("source.sandbox.require: contradicts source.sandbox.mode: best-effort");
    }
    if (!block.require->empty()) into.enforcement = sandbox::Enforcement::kRequire;
    into.required_layers = *block.require;
  }
  return Ok();
}

}  // namespace

Result<void> ReadPolicyAndSandbox(const json::View& policy, const json::View& sandbox, Source& source) {
  if (!policy.is_null()) RUNE_RETURN_IF_ERROR(agent::ApplyPolicyJson(policy, source.policy));
  Block block;
  RUNE_RETURN_IF_ERROR(ReadFields<Block>(sandbox, kSandbox, block));
  RUNE_RETURN_IF_ERROR(MergeBlock(block, policy, source.policy));
  if (block.timeout_secs && !source.limits.tool_seconds) {
    source.limits.tool_seconds = std::chrono::seconds(*block.timeout_secs);
  }
  return Ok();
}

std::vector<std::pair<std::string, std::string>> SandboxBlockKeys() {
  std::vector<std::pair<std::string, std::string>> keys;
  const auto add = [&keys](const std::string& object, std::span<const Field<Block>> fields) {
    for (const Field<Block>& field : fields) keys.emplace_back(object, field.key);
  };
  add("source.sandbox", kSandbox);
  add("source.sandbox.network", kNetwork);
  add("source.sandbox.filesystem", kFilesystem);
  add("source.sandbox.resources", kResources);
  return keys;
}

}  // namespace rune::resource
