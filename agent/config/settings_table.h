#pragma once
/// The sections of the table of settings.

#include <span>

#include "agent/config/settings.h"

namespace rune::agent {

std::span<const Setting> ModelSettings();
std::span<const Setting> RunSettings();
std::span<const Setting> PolicySettings();

}  // namespace rune::agent
