#include "resource/request/version.h"

#include <algorithm>

#include "resource/request/fields.h"
#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

bool IsVersionChar(char c) {
  return IsAlphanumeric(c) || std::string_view(":._+/=-").find(c) != std::string_view::npos;
}

}  // namespace

std::string_view ValueOf(const Version& version, const char* key) {
  const auto at = version.find(key);
  return at == version.end() ? std::string_view() : std::string_view(at->second);
}

Result<Version> ParseVersion(const json::View& view) {
  Version version;
  if (view.is_null()) return version;
  if (view.type() != json::Type::kObject) {
    return Error::Invalid(view.path() + ": expected object, found " + std::string(json::TypeName(view.type())));
  }
  for (const std::string& key : view.keys()) {
    std::string value;
    if (!view[key].is_null()) RUNE_RETURN_IF_ERROR(ReadText(view[key], value));
    version[key] = value;
  }
  return version;
}

Result<void> CheckPrintable(const Version& version) {
  if (ValueOf(version, kRef).empty()) return Error::Invalid("the version has no ref");
  for (const auto& [key, value] : version) {
    if (!std::all_of(value.begin(), value.end(), IsVersionChar)) {
      return Error::Invalid("version." + OneLine(key, 40) + " holds a character that a version must not hold");
    }
  }
  return Ok();
}

void WriteVersion(json::Writer& writer, const Version& version) {
  writer.BeginObject();
  for (const auto& [key, value] : version) writer.Member(key, value);
  writer.EndObject();
}

bool HasAllKeysOf(const Version& version, const Version& fresh) {
  return std::all_of(fresh.begin(), fresh.end(), [&](const auto& member) { return version.contains(member.first); });
}

}  // namespace rune::resource
