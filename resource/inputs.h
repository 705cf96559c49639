#pragma once
/// Files of the build's inputs. They come from repositories that need not be trusted: nothing outside the directory is
/// ever opened, neither through ".." nor through symbolic links.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// The text of the regular file `path`, relative to `root`, at most `max_bytes`. kInvalidInput when it is missing, no
/// regular file, too large, or leads out of `root` (openat2(2), RESOLVE_BENEATH).
Result<std::string> ReadInput(const std::string& root, const std::string& path, std::size_t max_bytes);

/// The pictures that `patterns` name (paths, or glob(7) patterns in which no wildcard matches a slash or a leading
/// dot), each once, in the order of the patterns and then of the names; at most `most`. kInvalidInput as ReadInput(),
/// for a pattern that matches nothing, and for what models do not take.
Result<std::vector<agent::Image>> ReadImages(const std::string& root, const std::vector<std::string>& patterns,
                                             std::size_t most);

using Lookup = std::function<std::optional<std::string>(const std::string& name)>;
/// Replaces $BUILD_ID, ${BUILD_ID} and the other build variables that Concourse documents; every other dollar stays.
/// A variable that is not set becomes empty.
std::string ExpandBuildVariables(std::string_view text, const Lookup& lookup);

}  // namespace rune::resource
