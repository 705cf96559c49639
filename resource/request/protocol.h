#pragma once
/// The request that Concourse writes on the standard input of check, in and out
/// (concourse-ci.org, "Implementing a resource type"), read strictly: a misspelt key in `source` or `params` is an
/// error, for a misspelt policy would be a wider sandbox. Unknown keys in `version` are kept and ignored.

#include <string>
#include <string_view>
#include <vector>

#include "resource/request/request.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// kInvalidInput naming the key and the place.
Result<Request> ParseRequest(Verb verb, std::string_view text);

/// Every key of the request that is no setting, for the documentation's test: {"source", "prompt"}, ...
struct KnownKey {
  std::string object;
  std::string key;
};
std::vector<KnownKey> KnownKeys();

}  // namespace rune::resource
