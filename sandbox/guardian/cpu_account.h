#pragma once
/// Processor time of the trees that run, that of processes included which nobody waited for, and so no rusage shows.
///
/// A control group knows of every process there ever was, and so what a tree took that runs alone; between several its
/// surplus is shared out evenly. Without one, trees are looked at from time to time: what vanished in between and does
/// not show in what its nearest living ancestor has waited for counts as it was last seen. Missed are then processes
/// that start and end between two looks and are not waited for.

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sandbox/layers/cgroup.h"
#include "sandbox/process_list.h"

namespace rune::sandbox {

class CpuAccount {
 public:
  using Microseconds = std::chrono::microseconds;

  /// `group` (borrowed) may be null.
  explicit CpuAccount(const RunCgroup* group) : group_(group) {}

  /// `root` begins.
  void Add(pid_t root);
  /// Looks at the trees as they are in `all`.
  void Look(const std::vector<ProcessInfo>& all);
  /// Of a tree that runs, as of the last look.
  Microseconds Of(pid_t root) const;
  /// A child of this process that is no root was waited for: what it took belongs to `root`.
  void AddOrphan(pid_t root, const rusage& usage);
  /// `root` was waited for, and nothing of its tree is left: all that it took.
  Microseconds End(pid_t root, const rusage& usage);

 private:
  struct Seen {
    pid_t parent = 0;
    Microseconds own{0};
    Microseconds waited{0};  ///< Of children that it waited for.
  };
  struct Tree {
    std::map<pid_t, Seen> seen;  ///< At the last look.
    Microseconds lost{0};        ///< Of processes that vanished without a trace.
    Microseconds orphans{0};
    Microseconds hidden{0};   ///< Known to the group alone, of earlier spans.
    Microseconds at_span{0};  ///< Total() when the span began.
    Microseconds Total() const;
  };

  static void LookAt(Tree& tree, std::map<pid_t, Seen> now);
  /// Of the group, without this process.
  std::optional<Microseconds> GroupUsage() const;
  Microseconds Share() const;
  /// From here on others run.
  void BeginSpan();

  const RunCgroup* group_;
  std::map<pid_t, Tree> trees_;
  std::optional<Microseconds> span_;  ///< GroupUsage() when the trees that run now began to run together.
  bool looked_ = false;               ///< In this span.
  Microseconds share_{0};             ///< Share() at the last look.
};

}  // namespace rune::sandbox
