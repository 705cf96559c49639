#pragma once
/// Errors are values. `Result<T>` holds either a T or an Error; nothing of ours throws.
/// The shape follows std::expected (C++23), which the supported compiler does not have yet.

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace rune {

/// What a caller can do about an error, one kind per consequence.
enum class ErrorKind {
  kInvalidInput,  ///< The user fixes the input or the configuration.
  kDenied,        ///< Policy or the kernel said no.
  kUnavailable,   ///< A facility, peer or layer is not there (now).
  kSystem,        ///< An operating system call failed.
  kProtocol,      ///< A peer spoke nonsense.
  kCancelled,     ///< The user or the supervisor stopped the run.
};

struct Error {
  ErrorKind kind = ErrorKind::kSystem;
  std::string message;

  /// "<what>: <strerror(err)>". Pass `err` when anything ran since the failing call.
  static Error FromErrno(const std::string& what, int err = errno);
  static Error Invalid(std::string message) { return {ErrorKind::kInvalidInput, std::move(message)}; }

  /// Prefixes the noun that only the caller knows: "skills/x/SKILL.md: no front matter".
  Error Wrap(const std::string& noun) && {
    message.insert(0, noun + ": ");
    return std::move(*this);
  }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  T& value() & { return *Checked(std::get_if<0>(&state_)); }
  const T& value() const& { return *Checked(std::get_if<0>(&state_)); }
  T&& value() && { return std::move(*Checked(std::get_if<0>(&state_))); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const Error& error() const& { return *Checked(std::get_if<1>(&state_)); }
  Error&& error() && { return std::move(*Checked(std::get_if<1>(&state_))); }

 private:
  /// Reading the wrong side is a bug in the caller; it must not become undefined behaviour.
  template <typename P>
  static P* Checked(P* p) {
    if (p == nullptr) std::abort();
    return p;
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design
  bool ok() const { return !error_.has_value(); }
  const Error& error() const& {
    if (!error_) std::abort();
    return *error_;
  }
  Error&& error() && {
    if (!error_) std::abort();
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

inline Result<void> Ok() { return {}; }

/// Calls `f` again while it fails with EINTR (signal(7)).
template <typename F>
auto RetryOnEintr(F f) {
  auto r = f();
  while (r == -1 && errno == EINTR) r = f();
  return r;
}

}  // namespace rune

#define RUNE_CONCAT_(a, b) a##b
#define RUNE_CONCAT(a, b) RUNE_CONCAT_(a, b)

/// Returns the error of `expr` from the calling function. A statement, never an expression.
#define RUNE_RETURN_IF_ERROR(expr)                                                              \
  do {                                                                                          \
    if (auto rune_status_ = (expr); !rune_status_.ok()) return std::move(rune_status_).error(); \
  } while (false)

/// `RUNE_ASSIGN_OR_RETURN(auto fd, OpenReadOnly(path));` Several statements: needs braces after `if`.
#define RUNE_ASSIGN_OR_RETURN(lhs, expr)                                                                        \
  auto RUNE_CONCAT(rune_result_, __LINE__) = (expr);                                                            \
  if (!RUNE_CONCAT(rune_result_, __LINE__).ok()) return std::move(RUNE_CONCAT(rune_result_, __LINE__)).error(); \
  lhs = std::move(RUNE_CONCAT(rune_result_, __LINE__)).value()
