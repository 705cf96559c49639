#pragma once
/// Whether a model can be shown what the user wants to show it.

#include <string>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/wires/caps.h"

namespace rune::agent {

/// Why the pictures of a prompt cannot be shown to `model`, in one safe line; empty: they can.
std::string PictureProblem(const std::vector<Part>& prompt, const std::string& model, const Caps& caps);

}  // namespace rune::agent
