#pragma once
/// This process itself: what it must not give away, and where its helper is.

#include <string>

namespace rune::agent {

/// Before anything else in main(): not dumpable, no core file, subreaper of what a lost guardian leaves; the values of
/// environment variables that look like credentials become secrets of the log.
void HardenProcess();
/// Path of rune-sandbox: below $RUNE_LIBEXEC, next to the program, or in the installed place. Never looked up in PATH.
std::string HelperPath();

}  // namespace rune::agent
