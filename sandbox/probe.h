#pragma once
/// Proof instead of assumption: forbidden acts, tried by a child under the very confinement that commands get, and by
/// one without it. Takes some milliseconds.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/confinement.h"

namespace rune::sandbox {

enum class ProbeState : std::uint8_t {
  kClosed,      ///< Refused under the confinement, possible without it.
  kClosedHere,  ///< Refused under the confinement and without it: this machine or container forbids it anyway.
  kOpen,        ///< Not refused.
  kNotTried,    ///< The policy allows it, or there is nothing to try it on.
};
std::string_view ProbeStateName(ProbeState state);

struct ProbeResult {
  Layer layer = Layer::kLimits;
  std::string act;  ///< "connect to an address that is not allowed"
  ProbeState state = ProbeState::kNotTried;
  std::string inside;   ///< What happened under the confinement: "EACCES", "done".
  std::string outside;  ///< And without it.
};

struct ProbeReport {
  std::vector<ProbeResult> results;
  std::uint64_t wall_us = 0;
  std::uint32_t tried() const;
  std::uint32_t closed() const;
};

/// The text form that a probing child writes: one line per act. kProtocol on anything else.
std::string WriteProbeLines(const std::vector<ProbeResult>& results);
Result<std::vector<ProbeResult>> ReadProbeLines(std::string_view text);

}  // namespace rune::sandbox
