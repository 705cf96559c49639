#pragma once
/// What the loop works with. Borrowed: whoever builds the agent owns them.

#include "agent/conversation/model.h"
#include "agent/policy/policy.h"
#include "agent/run/run.h"
#include "agent/tools/toolbox.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/sandbox.h"

namespace rune::agent {

struct AgentParts {
  EventLoop& loop;
  ModelClient& model;
  sandbox::Sandbox& sandbox;
  Policy& policy;
  RunObserver& observer;
  const Toolbox& tools;
};

}  // namespace rune::agent
