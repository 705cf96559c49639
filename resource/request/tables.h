#pragma once
/// The objects of a request, each behind the table of its keys.

#include <string>
#include <vector>

#include "agent/json/json.h"
#include "resource/request/request.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// kInvalidInput naming key and place. A null or missing object is an empty one. `defaults` are those of the step.
Result<Source> ReadSource(const json::View& view, agent::Config defaults);
Result<Params> ReadPutParams(const json::View& view);
Result<Params> ReadGetParams(const json::View& view);

/// The keys that are no settings.
std::vector<std::string> SourceKeys();
std::vector<std::string> PutParamKeys();
std::vector<std::string> GetParamKeys();
std::vector<std::string> FailIfKeys();
/// "params.prompt", ...
std::vector<std::string> Below(const std::string& document, std::vector<std::string> keys);

}  // namespace rune::resource
