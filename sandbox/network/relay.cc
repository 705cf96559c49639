#include "sandbox/network/relay.h"

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "sandbox/network/relay_connection.h"
#include "sandbox/network/relay_dialer.h"

namespace rune::sandbox {

RelayRefusal UploadRefusal(const std::string& account) {
  return {DeniedAct::kUpload, "all that may be sent to " + account + " has been sent", {Grant::kUpload, {}}};
}

class Relay::Impl {
 public:
  Impl(EventLoop& loop, Resolver& resolver, RelayOptions options)
      : loop_(loop), resolver_(resolver), options_(std::move(options)) {}

  DialId Dial(const RelayTarget& target, Dialed done) {
    const DialId id = next_++;
    Start(id, target, std::move(done));
    return id;
  }

  void Cancel(DialId id) { dialers_.erase(id); }

  void Join(UniqueFd client, UniqueFd upstream, const RelayTarget& target) {
    Open(next_++, std::move(client), target).Attach(std::move(upstream));
  }

  void DialAndJoin(UniqueFd client, const RelayTarget& target) {
    const DialId id = next_++;
    Open(id, std::move(client), target);
    Start(id, target, [this, id](int error, UniqueFd upstream) {
      if (error == 0) {
        connections_.at(id)->Attach(std::move(upstream));
      } else {
        connections_.erase(id);  // resets the client
      }
    });
  }

  std::size_t open_connections() const { return connections_.size(); }

 private:
  RelayConnection& Open(std::uint64_t id, UniqueFd client, const RelayTarget& target) {
    auto& connection = connections_[id];
    connection = std::make_unique<RelayConnection>(loop_, options_, target, std::move(client), [this, id] {
      dialers_.erase(id);
      connections_.erase(id);
    });
    return *connection;
  }

  void Start(DialId id, const RelayTarget& target, Dialed done) {
    dialers_[id] = std::make_unique<Dialer>(loop_, resolver_, options_, target,
                                            [this, id, target, done = std::move(done)](DialOutcome outcome) {
                                              const auto dialer = dialers_.extract(id);  // until here is left
                                              Note(outcome, target);
                                              done(outcome.error, std::move(outcome.upstream));
                                            });
  }

  void Note(const DialOutcome& outcome, const RelayTarget& target) {
    Egress& counts = options_.ledger->At(target.key(), target.port);
    if (outcome.error == 0) ++counts.connections;
    if (outcome.refusal) {
      ++counts.refused;
      if (options_.on_refused) options_.on_refused(*outcome.refusal, target);
    } else if (outcome.error != 0 && options_.on_trouble) {
      options_.on_trouble(!outcome.trouble.empty()
                              ? outcome.trouble
                              : target.key() + ":" + std::to_string(target.port) + ": " + std::strerror(outcome.error));
    }
  }

  EventLoop& loop_;
  Resolver& resolver_;
  const RelayOptions options_;
  std::uint64_t next_ = 1;
  std::map<DialId, std::unique_ptr<Dialer>> dialers_;
  /// By the id of their dial, where they have one.
  std::map<std::uint64_t, std::unique_ptr<RelayConnection>> connections_;
};

Relay::Relay(EventLoop& loop, Resolver& resolver, RelayOptions options)
    : impl_(std::make_unique<Impl>(loop, resolver, std::move(options))) {}
Relay::~Relay() = default;
Relay::DialId Relay::Dial(const RelayTarget& target, Dialed done) { return impl_->Dial(target, std::move(done)); }
void Relay::Cancel(DialId id) { impl_->Cancel(id); }
void Relay::Join(UniqueFd client, UniqueFd upstream, const RelayTarget& target) {
  impl_->Join(std::move(client), std::move(upstream), target);
}
void Relay::DialAndJoin(UniqueFd client, const RelayTarget& target) { impl_->DialAndJoin(std::move(client), target); }
std::size_t Relay::open_connections() const { return impl_->open_connections(); }

}  // namespace rune::sandbox
