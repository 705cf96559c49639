#pragma once
/// What a server says when it refuses, in whatever shape. Pure.

#include <initializer_list>
#include <string>
#include <string_view>

#include "agent/json/json.h"

namespace rune::agent {

/// An error object, whatever shape the server gave it. Texts are untrusted.
struct ServerError {
  std::string message;
  std::string type;
  std::string code;         ///< A word, or empty.
  std::string retry_delay;  ///< Google's RetryInfo: "34.4s"; or empty.
  int status = 0;           ///< An HTTP status that the object itself names, or 0.
  bool found = false;
};
/// Understands {"error":{...}}, {"error":"text"}, {"object":"error",...}, {"message":...}, {"detail":...} and the same
/// inside an array.
ServerError ReadServerError(const json::View& body);
/// The same for text that may be no JSON at all (then `found` is false).
ServerError ReadServerError(const std::string& body);

/// Whether one of `words` stands in `text`. By such words refusals are told apart, more often than by their codes.
bool ContainsAny(std::string_view text, std::initializer_list<std::string_view> words);

}  // namespace rune::agent
