#include "agent/config/settings.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "agent/config/settings_table.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

std::string_view LastPart(std::string_view path) { return path.substr(path.rfind('.') + 1); }

/// The first setting with a name in `column` of which `matches` is true.
template <typename Matches>
const Setting* FindNamed(Column column, const Matches& matches) {
  const auto all = Settings();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Setting& setting) {
    return !NamesIn(setting, column).empty() && matches(setting);
  });
  return found == all.end() ? nullptr : &*found;
}

/// True when one of the names in `column` passes.
template <typename Passes>
bool AnyName(const Setting& setting, Column column, const Passes& passes) {
  const auto names = NamesIn(setting, column);
  return std::any_of(names.begin(), names.end(), passes);
}
template <typename Passes>
bool AnyName(const Setting& setting, const Passes& passes) {
  return AnyName(setting, Column::kFile, passes) || AnyName(setting, Column::kSource, passes) ||
         AnyName(setting, Column::kParams, passes);
}

}  // namespace

std::string_view NarrowRuleName(NarrowRule rule) {
  switch (rule) {
    case NarrowRule::kIgnored:
      return "ignored";
    case NarrowRule::kMinimum:
      return "minimum";
    case NarrowRule::kIntersect:
      return "intersection";
    case NarrowRule::kUnite:
      return "union";
    case NarrowRule::kStricter:
      return "stricter only";
    case NarrowRule::kInside:
      return "inside only";
  }
  std::abort();
}

std::span<const Setting> Settings() {
  static const std::vector<Setting> all = [] {
    std::vector<Setting> joined;
    for (const auto section : {ModelSettings(), RunSettings(), PolicySettings()}) {
      joined.insert(joined.end(), section.begin(), section.end());
    }
    return joined;
  }();
  return all;
}

const Setting* FindSetting(std::string_view key) {
  return FindNamed(Column::kFile, [&](const Setting& setting) { return setting.key == key; });
}

std::string VariableOf(const Setting& setting) {
  std::string name = "RUNE_";
  for (const char c : setting.key) {
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

bool IsKey(const Setting& setting) { return setting.type == ValueType::kKey || setting.type == ValueType::kProviders; }

std::span<const std::string_view> NamesIn(const Setting& setting, Column column) {
  const auto given = [](std::span<const std::string_view> names) {
    return names.first(static_cast<std::size_t>(std::find(names.begin(), names.end(), "") - names.begin()));
  };
  switch (column) {
    case Column::kFile:
      return given({&setting.key, 1});
    case Column::kSource:
      return given(setting.source);
    case Column::kParams:
      return given({&setting.params, 1});
  }
  std::abort();
}

bool IsSection(std::string_view name, Column column) {
  const auto is_inside = [&](std::string_view path) {
    return path.size() > name.size() && path.starts_with(name) && path[name.size()] == '.';
  };
  return FindNamed(column, [&](const Setting& setting) { return AnyName(setting, column, is_inside); }) != nullptr;
}

std::string_view MeantBy(std::string_view path, Column column) {
  const auto is_path = [&](std::string_view name) { return name == path; };
  const auto ends_alike = [&](std::string_view name) { return LastPart(name) == LastPart(path); };
  const Setting* meant = FindNamed(column, [&](const Setting& setting) { return AnyName(setting, is_path); });
  if (meant == nullptr) {
    meant = FindNamed(column, [&](const Setting& setting) { return AnyName(setting, column, ends_alike); });
  }
  if (meant == nullptr) {
    meant = FindNamed(column, [&](const Setting& setting) { return AnyName(setting, ends_alike); });
  }
  return meant == nullptr ? std::string_view() : NamesIn(*meant, column).front();
}

std::string UnknownKey(std::string_view key) {
  const std::string message = "unknown key '" + OneLine(key, 64) + "'";
  if (const std::string_view meant = MeantBy(key, Column::kFile); !meant.empty()) {
    const bool moves_up = key.find('.') != std::string_view::npos && meant.find('.') == std::string_view::npos;
    return message + " (did you mean '" + std::string(meant) + "'" +
           (moves_up ? ", at the top of the file, before the first table" : "") + "?)";
  }
  std::vector<std::string> known;
  for (const Setting& setting : Settings()) known.emplace_back(setting.key);
  const auto nearest = Nearest(key, known);
  return nearest ? message + " (did you mean '" + *nearest + "'?)" : message;
}

}  // namespace rune::agent
