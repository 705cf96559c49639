#pragma once
/// libcurl's functions, found at the first request and not when the program starts: linking it costs every start
/// about 3.5 ms and 6 MB, also those that never ask a model.

#include <curl/curl.h>

#include "sandbox/base/result.h"

namespace rune::agent {

// clang-format off: its layout of this list does not come to rest.
#define RUNE_CURL_FUNCTIONS(X)                                                                                   \
  X(global_init) X(easy_init) X(easy_setopt) X(easy_getinfo) X(easy_cleanup) X(easy_strerror) X(slist_append)    \
  X(slist_free_all) X(multi_init) X(multi_setopt) X(multi_add_handle) X(multi_remove_handle) X(multi_info_read)  \
  X(multi_socket_action) X(multi_cleanup)
// clang-format on

struct CurlApi {
#define RUNE_CURL_MEMBER(name) decltype(&curl_##name) name = nullptr;
  RUNE_CURL_FUNCTIONS(RUNE_CURL_MEMBER)
#undef RUNE_CURL_MEMBER

  /// Loads and initialises the library once per process. kUnavailable when it is not installed.
  static Result<const CurlApi*> Load();
};

}  // namespace rune::agent
