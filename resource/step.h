#pragma once
/// What the three steps share: what they are given, and what they hand back.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "resource/artifacts.h"
#include "resource/ask.h"
#include "resource/inputs.h"
#include "resource/metadata.h"
#include "resource/request/version.h"

namespace rune::resource {

struct StepContext {
  Asker& asker;
  std::int64_t now = 0;        ///< UTC seconds.
  std::function<bool()> lock;  ///< Of a check: false when another check of this source is at work.
  Lookup environment;          ///< Build variables of a put.
};

/// The result of get and put.
struct StepResult {
  Version version;
  Metadata metadata;
  std::vector<Artifact> artifacts;  ///< Of a get, not written yet.
};

}  // namespace rune::resource
