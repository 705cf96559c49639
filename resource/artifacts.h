#pragma once
/// The files of a get. Everything in them comes from the record, so that a replay writes the same bytes anywhere.

#include <optional>
#include <string>
#include <vector>

#include "agent/record/record.h"
#include "resource/metadata.h"
#include "sandbox/base/result.h"

namespace rune::resource {

struct Artifact {
  std::string name;
  std::string content;
};

/// response.txt, answer.json for a structured answer, payload.json: in the order of writing. `prompt` unset: not known.
Result<std::vector<Artifact>> ArtifactsOf(const agent::Record& record, const Provenance& provenance,
                                          const std::optional<std::string>& prompt);

/// Writes all of them into `directory` (made when it is missing) or none: temporary files first, then renames.
Result<void> WriteArtifacts(const std::string& directory, const std::vector<Artifact>& artifacts);

}  // namespace rune::resource
