#pragma once
/// What is known of a command that has ended.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/denial.h"

namespace rune::sandbox {

/// What came out of one stream.
struct Stream {
  std::string head;         ///< All of it when it was at most keep_head + keep_tail bytes.
  std::string tail;         ///< Empty when head holds everything.
  std::uint64_t total = 0;  ///< Bytes produced.
  std::string spill;        ///< File below tmp_dir() with the whole text; empty when head (and tail) hold it.
};

enum class LimitHit : std::uint8_t { kNone, kWall, kMemory, kPids, kCpu, kOutput, kFileSize, kDisk };
std::string_view LimitHitName(LimitHit limit);

/// What one command exchanged with one target. See sandbox/network/ledger.h.
struct Egress {
  std::string target;      ///< Name, or address for what was reached by one. Safe text.
  std::uint16_t port = 0;  ///< 0: only looked up.
  std::uint32_t lookups = 0;
  std::uint32_t connections = 0;
  std::uint32_t refused = 0;   ///< Lookups and connections that policy refused.
  std::uint64_t sent = 0;      ///< Bytes to the server.
  std::uint64_t received = 0;  ///< Bytes from it.

  bool operator==(const Egress&) const = default;
};

/// Everything the guardian knows about a finished command.
struct Report {
  std::optional<int> exit_code;  ///< Set when it exited by itself.
  int signal = 0;                ///< Set when a signal ended it.
  LimitHit limit = LimitHit::kNone;
  bool cancelled = false;  ///< Kill() was called.
  bool guardian_lost = false;
  std::string setup_error;  ///< "exec: Permission denied": a stage before the command ran failed. Else empty.
  int setup_errno = 0;
  std::uint64_t wall_us = 0;
  std::uint64_t cpu_us = 0;
  std::uint64_t max_rss_kb = 0;     ///< Of the largest single process (getrusage(2)).
  std::uint32_t leftovers = 0;      ///< Processes that outlived the command and were killed.
  std::uint32_t oom_kills = 0;      ///< Processes that were killed meanwhile because the run was out of memory.
  std::uint32_t forks_refused = 0;  ///< Processes that could not be started meanwhile because the run had too many.
  std::vector<Denial> denials;
  std::vector<Egress> egress;
  std::vector<std::string>
      troubles;  ///< What was allowed and failed on the network: "a.test: no such name". Safe lines.
  std::vector<std::string> programs;  ///< Run by the command, in order, once each. Only in watch-only mode.
};

bool RefusedBy(const Report& report, DeniedBy by);
/// It ran, and ended by itself: `exit_code` says how.
bool Exited(const Report& report);
/// How it ended, in one safe line for people and models: "killed: wall clock limit of 2 s", "could not run: command not
/// found", "exit code 3". Empty when it exited with 0.
std::string EndText(const Report& report);

struct Completed {
  Report report;
  Stream out;
  Stream err;
};

}  // namespace rune::sandbox
