#include "sandbox/network/resolver_lookup.h"

#include <algorithm>
#include <utility>

#include "sandbox/domain_allowlist.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxPerFamily = 16;
/// How long addresses of IPv4 wait for those of IPv6: some servers never answer AAAA. (RFC 8305 3 waits 50 ms.)
constexpr Milliseconds kGrace{250};

bool IsLastWord(const DnsOutcome& outcome) {
  return outcome.reply && (outcome.reply->code == DnsCode::kNoError || outcome.reply->code == DnsCode::kNxDomain);
}

}  // namespace

Lookup::Lookup(EventLoop& loop, const ResolverConfig& config, std::string name, std::size_t first_server, Done done)
    : loop_(loop), config_(config), first_server_(first_server), done_(std::move(done)) {
  candidates_.push_back(name);
  if (std::count(name.begin(), name.end(), '.') < config.ndots) {
    for (const std::string& suffix : config.search) {
      if (auto longer = NormalizeHostName(name + "." + suffix)) candidates_.push_back(std::move(*longer));
    }
  }
  Ask();
}

Lookup::~Lookup() { loop_.CancelTimer(grace_); }

void Lookup::Ask() {
  const auto begin = [this](Family& family, std::uint16_t type) {
    family.outcome.reset();
    family.exchange =
        std::make_unique<DnsExchange>(loop_, config_, DnsQuestion{candidates_[current_], type, first_server_},
                                      [this, &family](DnsOutcome outcome) { Heard(family, std::move(outcome)); });
  };
  begin(v4_, kDnsA);
  begin(v6_, kDnsAaaa);
}

void Lookup::Heard(Family& family, DnsOutcome outcome) {
  family.exchange.reset();
  family.outcome = std::move(outcome);
  if (v4_.outcome && v6_.outcome) return Conclude();
  if (!v4_.has_addresses()) return;
  grace_ = loop_.At(Clock::now() + kGrace, [this] {
    v6_.exchange.reset();
    Conclude();
  });
}

void Lookup::Conclude() {
  loop_.CancelTimer(grace_);
  LookupAnswer answer;
  std::uint32_t ttl = UINT32_MAX;
  for (const Family* family : {&v4_, &v6_}) {
    if (!family->outcome) ttl = 0;
    if (!family->has_addresses()) continue;
    const std::vector<IpAddress>& found = family->outcome->reply->addresses;
    const auto count = static_cast<std::ptrdiff_t>(std::min(found.size(), kMaxPerFamily));
    answer.addresses.insert(answer.addresses.end(), found.begin(), found.begin() + count);
    ttl = std::min(ttl, family->outcome->reply->ttl);
  }
  if (!answer.addresses.empty()) {
    answer.ttl = std::chrono::seconds(ttl);
    return Finish(std::move(answer));
  }
  const DnsOutcome& trouble = Trouble();
  if (error_.empty()) error_ = candidates_[0] + ": " + trouble.said;
  // Servers that do not answer are not asked for every suffix too.
  if (trouble.reply && current_ + 1 < candidates_.size()) {
    ++current_;
    return Ask();
  }
  if (current_ > 0) error_ += " (nor under the search list)";
  answer.error = std::move(error_);
  Finish(std::move(answer));
}

const DnsOutcome& Lookup::Trouble() const { return IsLastWord(*v4_.outcome) ? *v6_.outcome : *v4_.outcome; }

void Lookup::Finish(LookupAnswer answer) {
  const Done done = std::move(done_);
  done(std::move(answer));  // may destroy this
}

}  // namespace rune::sandbox
