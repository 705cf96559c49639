#include "sandbox/network/resolver.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "sandbox/domain_allowlist.h"
#include "sandbox/network/resolver_lookup.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxCached = 512;
/// Two sockets each.
constexpr std::size_t kMaxAtOnce = 64;
constexpr std::chrono::seconds kMinTtl{5};
constexpr std::chrono::seconds kMaxTtl{300};
constexpr std::chrono::seconds kFailureTtl{2};

using Answer = Result<std::vector<IpAddress>>;

Answer Failure(std::string message) { return Error{ErrorKind::kUnavailable, std::move(message)}; }

}  // namespace

class Resolver::Impl {
 public:
  Impl(EventLoop& loop, ResolverConfig config) : loop_(loop), config_(std::move(config)) {}
  ~Impl() {
    for (const auto& [id, timer] : ready_) loop_.CancelTimer(timer);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  QueryId Resolve(const std::string& name, Done done) {
    const QueryId id = next_++;
    if (std::optional<Answer> known = Known(name)) {
      AnswerLater(id, std::move(done), std::move(*known));
      return id;
    }
    const auto [pending, is_new] = pending_.try_emplace(name);
    pending->second.waiters.emplace(id, std::move(done));
    if (is_new) queue_.push_back(name);
    StartQueued();
    return id;
  }

  void Cancel(QueryId id) {
    if (const auto found = ready_.find(id); found != ready_.end()) {
      loop_.CancelTimer(found->second);
      ready_.erase(found);
    }
    // The lookup itself goes on: its answer is kept for the next one who asks.
    for (auto& [name, pending] : pending_) pending.waiters.erase(id);
  }

  const ResolverConfig& config() const { return config_; }

 private:
  struct Pending {
    std::unique_ptr<Lookup> lookup;
    std::map<QueryId, Done> waiters;
  };
  struct Cached {
    Answer answer;
    TimePoint until;
  };

  /// From hosts(5), from the cache, or because it cannot be asked.
  std::optional<Answer> Known(const std::string& name) {
    if (NormalizeHostName(name) != name) return Error::Invalid("not a host name");
    std::vector<IpAddress> addresses;
    for (auto [entry, end] = config_.hosts.equal_range(name); entry != end; ++entry) {
      addresses.push_back(entry->second);
    }
    std::stable_partition(addresses.begin(), addresses.end(), [](const IpAddress& address) { return address.is_v4(); });
    if (!addresses.empty()) return addresses;
    const auto cached = cache_.find(name);
    if (cached == cache_.end() || cached->second.until <= Clock::now()) return std::nullopt;
    return cached->second.answer;
  }

  void AnswerLater(QueryId id, Done done, Answer answer) {
    ready_[id] = loop_.At(Clock::now(), [this, id, done = std::move(done), answer = std::move(answer)] {
      ready_.erase(id);
      done(answer);
    });
  }

  void StartQueued() {
    while (!queue_.empty() && running_ < kMaxAtOnce) {
      const std::string name = std::move(queue_.front());
      queue_.pop_front();
      ++running_;
      const std::size_t first = config_.rotate ? rotation_++ : 0;
      pending_[name].lookup = std::make_unique<Lookup>(
          loop_, config_, name, first, [this, name](LookupAnswer answer) { Found(name, std::move(answer)); });
    }
  }

  void Found(const std::string& finished, LookupAnswer found) {
    auto node = pending_.extract(finished);
    --running_;
    const bool failed = found.addresses.empty();
    const Answer answer = failed ? Failure(std::move(found.error)) : Answer(std::move(found.addresses));
    Keep(node.key(), {answer, Clock::now() + (failed ? kFailureTtl : std::clamp(found.ttl, kMinTtl, kMaxTtl))});
    StartQueued();
    // Through the loop: a waiter that is cancelled by another one must not be called any more.
    for (auto& [id, done] : node.mapped().waiters) AnswerLater(id, std::move(done), answer);
  }

  void Keep(const std::string& name, Cached entry) {
    if (cache_.size() >= kMaxCached) {
      std::erase_if(cache_, [now = Clock::now()](const auto& cached) { return cached.second.until <= now; });
    }
    if (cache_.size() >= kMaxCached) {
      cache_.erase(std::min_element(cache_.begin(), cache_.end(), [](const auto& left, const auto& right) {
        return left.second.until < right.second.until;
      }));
    }
    cache_.insert_or_assign(name, std::move(entry));
  }

  EventLoop& loop_;
  const ResolverConfig config_;
  QueryId next_ = 1;
  std::size_t rotation_ = 0;
  std::size_t running_ = 0;
  std::map<std::string, Pending> pending_;
  std::deque<std::string> queue_;  ///< Of the pending ones: those not begun.
  std::map<std::string, Cached> cache_;
  std::map<QueryId, EventLoop::TimerId> ready_;
};

Resolver::Resolver(EventLoop& loop, ResolverConfig config) : impl_(std::make_unique<Impl>(loop, std::move(config))) {}
Resolver::~Resolver() = default;
Resolver::QueryId Resolver::Resolve(const std::string& name, Done done) {
  return impl_->Resolve(name, std::move(done));
}
void Resolver::Cancel(QueryId id) { impl_->Cancel(id); }
const ResolverConfig& Resolver::config() const { return impl_->config(); }

}  // namespace rune::sandbox
