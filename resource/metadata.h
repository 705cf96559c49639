#pragma once
/// The table that Concourse shows beside a version, and (since 8.1) the local variables of a get or put.

#include <string>
#include <utility>
#include <vector>

#include "agent/json/json.h"
#include "agent/record/record.h"

namespace rune::resource {

/// How an answer came to its files.
struct Provenance {
  std::string ref;         ///< Asked for.
  std::string actual_ref;  ///< Of the answer; differs when the model was asked again and said something else.
  bool verified = false;   ///< The two are the same.
  bool replayed = false;   ///< From the record; the model was not asked.
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

/// ref, response_length, model, tokens, steps, cost (when it is known), sandbox, confinement, verified, replayed,
/// answered_at, outcome, denials (when there are any), answer (the first KiB); then the top-level scalars of a structured answer. A member of the
/// answer never takes one of our names: the model must not be able to say `verified` itself.
Metadata MetadataOf(const agent::Record& record, const Provenance& provenance);

void WriteMetadata(json::Writer& writer, const Metadata& metadata);

/// "5/5, probes 27/27": layers enforced of all, forbidden acts refused of those tried.
std::string ConfinementLine(const agent::Record& record);

}  // namespace rune::resource
