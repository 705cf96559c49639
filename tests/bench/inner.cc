/// What a system call costs where it is made: run bare and inside the sandbox by sandbox_bench.py. Prints samples as
/// JSON.
///
///   inner connect HOST PORT COUNT    socket(2) + connect(2) to one address of HOST, looked up once
///   inner open PATH COUNT            open(2) + close(2)
///   inner stat PATH COUNT            stat(2)

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void Measure(int count, const std::function<void()>& act) {
  std::printf("[");
  std::vector<double> samples;
  for (int i = 0; i < count; ++i) {
    const auto begin = Clock::now();
    act();
    samples.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  for (std::size_t i = 0; i < samples.size(); ++i) std::printf("%s%.2f", i == 0 ? "" : ",", samples[i]);
  std::printf("]\n");
}

void MeasureConnect(const char* host, const char* port, int count) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host, port, &hints, &found) != 0) Die("getaddrinfo");
  Measure(count, [&] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, found->ai_addr, found->ai_addrlen) != 0) Die("connect");
    ::close(fd);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4 && words[0] == "connect") {
    MeasureConnect(argv[2], argv[3], std::atoi(argv[4]));
  } else if (words.size() == 3 && words[0] == "open") {
    Measure(std::atoi(argv[3]), [&] {
      const int fd = ::open(argv[2], O_RDONLY | O_CLOEXEC);
      if (fd < 0) Die("open");
      ::close(fd);
    });
  } else if (words.size() == 3 && words[0] == "stat") {
    struct stat info{};
    Measure(std::atoi(argv[3]), [&] {
      if (::stat(argv[2], &info) != 0) Die("stat");
    });
  } else {
    std::fprintf(stderr, "usage: inner connect HOST PORT COUNT | open PATH COUNT | stat PATH COUNT\n");
    return 2;
  }
}
