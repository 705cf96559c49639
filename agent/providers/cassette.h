#pragma once
/// Recorded conversations. A cassette is JSON Lines: a head, then one line per exchange with a model:
///
///   {"cassette":1,"model":"gpt-4o-mini"}
///   {"ask":{"user":["Say hello."]},"reply":{"text":"Hello.","stop":"end"}}
///   {"ask":{"results":[{"id":"call_a1","name":"list_dir","is_error":false}]},"reply":{...},"template":true}
///
/// `ask` is what was said since the exchange before: user texts, and which tools reported back. What the tools said is
/// not compared, because during replay they really run. With "template", {{call_a1}} in the reply's text stands for
/// the first line of that call's result.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/conversation/model.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune::agent {

struct CassetteAsk {
  struct Result {
    std::string id;
    std::string name;
    bool is_error = false;
    bool operator==(const Result&) const = default;
  };
  std::vector<std::string> user;
  std::vector<Result> results;
};

struct CassetteExchange {
  CassetteAsk ask;
  ModelReply reply;
  bool is_template = false;
};

struct Cassette {
  std::string model;
  std::vector<CassetteExchange> exchanges;

  /// kInvalidInput "<name>: line N: ...".
  static Result<Cassette> Parse(std::string_view text, const std::string& name);
};

/// "end", "tool_calls", "length", "filtered", "unknown".
std::string_view StopName(Stop stop);

/// What the messages ask that no assistant message has answered yet.
CassetteAsk AskOf(const std::vector<Message>& messages);

/// Plays a cassette. An ask without tool results starts at whichever exchange matches it exactly, looking onwards from
/// the last one first, so that one cassette can hold many conversations; one with results must match the next exchange.
class CassettePlayer : public ModelClient {
 public:
  CassettePlayer(EventLoop& loop, Cassette cassette) : loop_(loop), cassette_(std::move(cassette)) {}

  ModelOutcome Complete(const ModelRequest& request, const TextSink& on_text) override;
  std::string provider() const override { return "cassette"; }
  std::string model() const override { return cassette_.model; }

 private:
  EventLoop& loop_;
  Cassette cassette_;
  std::size_t next_ = 0;
};

/// Passes everything on to another client and writes what was asked and answered, one line per exchange, as it
/// happens. Failed exchanges are not recorded. Secrets are taken out.
class CassetteRecorder : public ModelClient {
 public:
  /// Appends to `path` (made with mode 0600). The error names the path.
  static Result<std::unique_ptr<ModelClient>> Create(std::unique_ptr<ModelClient> inner, const std::string& path);

  ModelOutcome Complete(const ModelRequest& request, const TextSink& on_text) override;
  std::string provider() const override { return inner_->provider(); }
  std::string model() const override { return inner_->model(); }
  std::vector<std::string> MayAnswer(const std::vector<Message>& messages) const override {
    return inner_->MayAnswer(messages);
  }
  std::uint64_t context_window() const override { return inner_->context_window(); }
  std::string PictureProblem(const std::vector<Part>& prompt) const override { return inner_->PictureProblem(prompt); }

 private:
  CassetteRecorder(std::unique_ptr<ModelClient> inner, UniqueFd file)
      : inner_(std::move(inner)), file_(std::move(file)) {}
  void Append(const std::string& line);

  std::unique_ptr<ModelClient> inner_;
  UniqueFd file_;
  bool broken_ = false;  // a write has failed, and was reported
};

/// The cassette inside the program, played when none is named: the demonstration.
std::string_view DemoCassette();

}  // namespace rune::agent
