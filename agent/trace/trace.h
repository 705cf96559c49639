#pragma once
/// A run written down as JSON Lines while it happens, so that a crash or a kill loses nothing that came before.
/// Every value is made safe and redacted. Files are mode 0600.

#include <memory>
#include <string>

#include "agent/run/run.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune::agent {

/// Records what passes and hands it on to another observer (borrowed).
class TraceObserver : public RunObserver {
 public:
  /// Makes `dir` if need be and a new file in it, named by UTC time and process id.
  static Result<std::unique_ptr<TraceObserver>> Create(const std::string& dir, RunObserver& next);
  const std::string& path() const { return path_; }

  void OnText(std::string_view text) override { next_.OnText(text); }
  void OnStep(const StepRecord& step) override;
  void OnToolStart(const ToolRecord& record) override;
  void OnToolEnd(const ToolRecord& record, const std::string& text) override;
  void OnNotice(const std::string& notice) override;
  void OnEnd(const RunResult& result) override;
  Approval Approve(const ToolRecord& record, const Refusal& refusal) override;

 private:
  TraceObserver(std::string path, UniqueFd fd, RunObserver& next)
      : path_(std::move(path)), fd_(std::move(fd)), next_(next) {}
  void Write(const std::string& line);

  std::string path_;
  UniqueFd fd_;
  RunObserver& next_;
};

}  // namespace rune::agent
