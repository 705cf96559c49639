#include "agent/embeddings/embedder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/http/fetch.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMaxBody = 64u << 20;
constexpr Milliseconds kPatience{20'000};  // a compaction waits for it

std::string WhyNot(const HttpOutcome& outcome) {
  std::string why = outcome.status == 0 ? std::string() : "the server answers " + std::to_string(outcome.status);
  const std::string more = OneLine(Redact(outcome.status == 0 ? outcome.detail : outcome.error_body), 160);
  if (!more.empty()) why += (why.empty() ? "" : ": ") + more;
  return why.empty() ? "there is no complete answer" : why;
}

}  // namespace

Result<std::vector<Vector>> HttpEmbedder::EmbedBatch(const std::vector<std::string>& texts) {
  HttpRequest request = EncodeEmbeddings(endpoint_, texts);
  request.timeouts.deadline = Clock::now() + kPatience;
  const Fetched fetched = Fetch(loop_, client_, std::move(request), kNever, kMaxBody);
  if (fetched.wake == EventLoop::Wake::kInterrupted) return Error{ErrorKind::kCancelled, "interrupted"};
  if (!fetched.ok()) return Error{ErrorKind::kUnavailable, "embeddings: " + WhyNot(fetched.outcome)};
  return DecodeEmbeddings(endpoint_.wire, fetched.body, texts.size());
}

Result<std::vector<Vector>> HttpEmbedder::Embed(const std::vector<std::string>& texts) {
  std::vector<Vector> vectors;
  for (std::size_t begin = 0; begin < texts.size(); begin += kBatch) {
    const auto first = texts.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = first + static_cast<std::ptrdiff_t>(std::min(kBatch, texts.size() - begin));
    RUNE_ASSIGN_OR_RETURN(std::vector<Vector> batch, EmbedBatch({first, last}));
    std::move(batch.begin(), batch.end(), std::back_inserter(vectors));
  }
  return vectors;
}

}  // namespace rune::agent
