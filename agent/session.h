#pragma once
/// Everything a front end (terminal or CI) needs for a run, built from one Config in one place.

#include <memory>
#include <string>

#include "agent/agent.h"
#include "agent/config/config.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct SessionOptions {
  std::string cwd;  ///< Of the tools; empty: the private tmp directory.
  std::string home;
  std::vector<std::string> readable;  ///< Build inputs.
  PolicyMode default_mode = PolicyMode::kAllowlist;
  bool attended = false;
  std::string schema;  ///< JSON Schema text of the answer; empty: none.
};

/// Owns model client, sandbox, policy and agent. Single-threaded, on the caller's loop.
class Session {
 public:
  /// kInvalidInput, kUnavailable (required layers): nothing ran, nothing was sent.
  static Result<std::unique_ptr<Session>> Create(EventLoop& loop, const Config& config, const SessionOptions& options,
                                                 RunObserver& observer);
  ~Session();
  /// kBadInput, with nothing sent, when the model takes no pictures.
  RunResult Run(const std::string& prompt, std::vector<Image> images = {});
  Agent& agent();
  Policy& policy();
  sandbox::Sandbox& sandbox();
  ModelClient& model();

 private:
  struct Parts;
  explicit Session(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Before anything else in main(): not dumpable, no core file, subreaper of what a lost guardian leaves; the values of
/// environment variables that look like credentials become secrets of the log.
void HardenProcess();
/// Path of rune-sandbox: below $RUNE_LIBEXEC, next to the program, or in the installed place. Never looked up in PATH.
std::string HelperPath();

/// {"outcome":...,"answer":...,...}: the result object of --json, one line.
std::string ResultJson(const RunResult& result);
/// "limits: cgroup v1; network: closed; ..." for a log line.
std::string LayersLine(const std::vector<sandbox::LayerReport>& layers);

}  // namespace rune::agent
