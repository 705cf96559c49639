#include "sandbox/base/event_loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace rune {

void EventLoop::Watch(int fd, short events, FdCallback callback) {
  watchers_[fd] = {events, std::make_shared<FdCallback>(std::move(callback))};
}

void EventLoop::Unwatch(int fd) { watchers_.erase(fd); }

EventLoop::TimerId EventLoop::At(TimePoint when, std::function<void()> callback) {
  const TimerId id = next_timer_++;
  timers_.emplace(std::pair{when, id}, std::move(callback));
  return id;
}

void EventLoop::CancelTimer(TimerId id) {
  std::erase_if(timers_, [id](const auto& entry) { return entry.first.second == id; });
}

void EventLoop::Interrupt(int signal_number) {
  if (!interrupted_by_) interrupted_by_ = signal_number;
}

EventLoop::Wake EventLoop::RunUntil(const std::function<bool()>& done, TimePoint deadline) {
  while (!done()) {
    if (interrupted_by_) return Wake::kInterrupted;
    if (Clock::now() >= deadline) return Wake::kDeadline;
    RunOnce(deadline);
  }
  return Wake::kDone;
}

EventLoop::Wake EventLoop::Drain(const std::function<bool()>& done, TimePoint deadline) {
  while (!done()) {
    if (Clock::now() >= deadline) return Wake::kDeadline;
    RunOnce(deadline);
  }
  return Wake::kDone;
}

void EventLoop::RunOnce(TimePoint deadline) {
  TimePoint wake = deadline;
  if (!timers_.empty()) wake = std::min(wake, timers_.begin()->first.first);
  int timeout = -1;
  if (wake != kNever) {
    // Rounded up, so that a timer is due when poll returns and the loop does not spin.
    const auto left = std::chrono::ceil<Milliseconds>(wake - Clock::now()).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }
  std::vector<pollfd> fds;
  fds.reserve(watchers_.size());
  for (const auto& [fd, watcher] : watchers_) fds.push_back({fd, watcher.events, 0});
  if (::poll(fds.data(), fds.size(), timeout) > 0) {
    for (const pollfd& ready : fds) {
      if (ready.revents == 0) continue;
      const auto found = watchers_.find(ready.fd);
      if (found == watchers_.end()) continue;  // an earlier callback of this round removed it
      const auto callback = found->second.callback;
      (*callback)(ready.revents);
    }
  }
  RunTimers();
}

void EventLoop::RunTimers() {
  const TimePoint now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
}

SignalWatch::SignalWatch(EventLoop& loop) : loop_(loop) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal_number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) return;
  loop_.Watch(fd_, POLLIN, [this](short) {
    signalfd_siginfo info;
    while (::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      loop_.Interrupt(static_cast<int>(info.ssi_signo));
    }
  });
}

SignalWatch::~SignalWatch() {
  if (fd_ < 0) return;
  loop_.Unwatch(fd_);
  ::close(fd_);
}

}  // namespace rune
