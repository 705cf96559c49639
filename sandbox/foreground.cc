#include "sandbox/foreground.h"

#include <memory>
#include <optional>
#include <utility>

namespace rune::sandbox {
namespace {

constexpr Milliseconds kKillWait{5'000};

}  // namespace

Result<Completed> RunInForeground(EventLoop& loop, Sandbox& sandbox, Command command, const Confinement& confinement,
                                  const Patience& patience) {
  // Shared: what could not be killed completes after we have gone.
  const auto result = std::make_shared<std::optional<Completed>>();
  RUNE_ASSIGN_OR_RETURN(const CommandId id, sandbox.Launch(std::move(command), confinement,
                                                           [result](Completed done) { *result = std::move(done); }));
  const auto finished = [&result] { return result->has_value(); };
  if (loop.RunUntil(finished, patience.deadline) == EventLoop::Wake::kDone) return std::move(**result);
  KillAndWait(loop, sandbox, {id}, finished, patience.grace);
  return Error{ErrorKind::kCancelled, "stopped"};
}

void KillAndWait(EventLoop& loop, Sandbox& sandbox, const std::vector<CommandId>& ids,
                 const std::function<bool()>& gone, Milliseconds grace) {
  for (const CommandId id : ids) sandbox.Kill(id, grace);
  loop.Drain(gone, Clock::now() + grace + kKillWait);
}

}  // namespace rune::sandbox
