#pragma once
/// Every setting there is, in one table. A row says into which member of the Config it goes and under which names it
/// can be given: reading, checking, narrowing, --help, the hints for misspelt keys and the documents follow from it. To
/// add a setting, add the member (config.h), its row (settings_model.cc, settings_run.cc, settings_policy.cc) and its
/// row in the documents, which the tests ask for.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agent/config/member.h"

namespace rune::agent {

enum class ValueType : std::uint8_t {
  kString,  ///< One line.
  kProse,   ///< Any text.
  kKey,     ///< A secret of one line.
  kWord,    ///< One of `choices`; empty: unset.
  kPath,    ///< "~/" is the home directory; relative to the working directory.
  kBool,
  kInteger,
  kNumber,
  kSeconds,            ///< Whole seconds; in a pipeline also "10m".
  kFractionalSeconds,  ///< The same with a fraction.
  kStrings,
  kPaths,
  kDomains,      ///< Entries of a sandbox::DomainAllowlist.
  kEnforcement,  ///< "best-effort", "require" or the names of layers.
  kTable,        ///< A JsonTable.
  kProviders,    ///< A list of tables, each a FallbackProvider.
};

/// What somebody who does not own the configuration may do to a setting: a file found in the working directory that the
/// user does not trust, the params of a pipeline's step. See narrow.h.
enum class NarrowRule : std::uint8_t {
  kIgnored,    ///< Nothing.
  kMinimum,    ///< Lower it; 0 is unlimited.
  kIntersect,  ///< Keep only what is allowed already.
  kUnite,      ///< Add to what is denied.
  kStricter,   ///< Choose a stricter word.
  kInside,     ///< Point to a place inside the working directory.
};
/// "ignored", "minimum", "intersection", "union", "stricter only", "inside only".
std::string_view NarrowRuleName(NarrowRule rule);

struct Setting {
  std::string_view key;  ///< In rune.toml. The variable follows from it: VariableOf().
  ValueType type;
  ConfigMember member;
  std::string_view flag = {};                   ///< Empty: none.
  std::array<std::string_view, 3> source = {};  ///< In a pipeline's source; the first is the one to recommend.
  std::string_view params = {};                 ///< In the params of a pipeline's step.
  NarrowRule narrow = NarrowRule::kIgnored;
  double least = 0;  ///< Range of a number, both ends included.
  double most = 0;
  std::string_view choices = {};  ///< Words, separated by "|", the strictest first.
  std::string_view doc;           ///< One line for --help and the documents.
};

/// The whole table; it lives as long as the program.
std::span<const Setting> Settings();
/// By its key; null when there is none.
const Setting* FindSetting(std::string_view key);
/// "RUNE_POLICY_MODE" of "policy.mode".
std::string VariableOf(const Setting& setting);
/// True of settings that hold a secret.
bool IsKey(const Setting& setting);

/// Where a name stands.
enum class Column : std::uint8_t { kFile, kSource, kParams };
std::span<const std::string_view> NamesIn(const Setting& setting, Column column);
/// True of "policy", "retry", "limits", ...: a table whose members are names of this column.
bool IsSection(std::string_view name, Column column = Column::kFile);
/// The name in this column of the setting that somebody meant by `path`, which is none: a name of another column, or
/// one whose last part is right and stands in the wrong table ("policy.max_steps"). Empty: none.
std::string_view MeantBy(std::string_view path, Column column);
/// Of a key in rune.toml: "unknown key 'modle' (did you mean 'model'?)"
std::string UnknownKey(std::string_view key);

}  // namespace rune::agent
