#pragma once
/// Whether the text of a configuration file holds somebody's credential: a user and a password in a URL, a password, a
/// token or a key as a setting, a line of netrc, a private key. Pure; it is meant for files of /etc that programs need,
/// so that they are closed only for a reason.

#include <string_view>

namespace rune::sandbox {

/// Comments, empty values, places of variables ("${TOKEN}"), paths and words like "yes" or "prompt" are none.
bool HoldsCredential(std::string_view text);

}  // namespace rune::sandbox
