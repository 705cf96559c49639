#pragma once
/// The version of a resource: a flat map of strings. Concourse tells versions apart by the map as a whole.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// Keys: `ref` always; `rec` the record of the answer; `at` UTC seconds of the first sight (track_reversion); `via`
/// "put" when a put step made it. Keys of others are kept, so that a version can be handed back as it came.
using Version = std::map<std::string, std::string>;

inline constexpr const char* kRef = "ref";
inline constexpr const char* kRec = "rec";
inline constexpr const char* kAt = "at";
inline constexpr const char* kVia = "via";
inline constexpr std::string_view kViaPut = "put";

/// The value of `key`; empty when there is none.
std::string_view ValueOf(const Version& version, const char* key);

/// null and a missing place are the empty version. kInvalidInput unless the members are scalars.
Result<Version> ParseVersion(const json::View& view);

/// Guards a version of our own making before it is printed: a version that Concourse cannot save makes it repeat the
/// check every ten seconds. kInvalidInput unless there is a ref, and all values are of [A-Za-z0-9:._+/=-].
Result<void> CheckPrintable(const Version& version);

void WriteVersion(json::Writer& writer, const Version& version);

/// True when `version` has every key of `fresh`: it is no abridged form (a pin may name the ref alone).
bool HasAllKeysOf(const Version& version, const Version& fresh);

}  // namespace rune::resource
