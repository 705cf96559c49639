#pragma once
/// Everything a front end (terminal or CI) needs for a run, built from one Config in one place.

#include <memory>
#include <string>

#include "agent/config/config.h"
#include "agent/loop/agent.h"
#include "agent/run/run.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct RuntimeOptions {
  std::string cwd;  ///< Of the tools; empty: the private tmp directory.
  std::string home;
  std::vector<std::string> readable;  ///< Build inputs.
  PolicyMode default_mode = PolicyMode::kAllowlist;
  bool attended = false;
  std::string schema;  ///< JSON Schema text of the answer; empty: none.
};

/// The sandbox that `config` asks for. Cheap: nothing is started yet.
Result<std::unique_ptr<sandbox::Sandbox>> MakeSandbox(EventLoop& loop, const Config& config);

/// Owns model client, sandbox, policy and agent. Single-threaded, on the caller's loop.
class Runtime {
 public:
  /// kInvalidInput, kUnavailable (required layers): nothing ran, nothing was sent.
  static Result<std::unique_ptr<Runtime>> Create(EventLoop& loop, const Config& config, const RuntimeOptions& options,
                                                 RunObserver& observer);
  ~Runtime();
  /// kBadInput, with nothing sent, when the model takes no pictures.
  RunResult Run(const std::string& prompt, std::vector<Image> images = {});
  Agent& agent();
  Policy& policy();
  sandbox::Sandbox& sandbox();
  ModelClient& model();
  const Toolbox& tools() const;

 private:
  struct Parts;
  explicit Runtime(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace rune::agent
