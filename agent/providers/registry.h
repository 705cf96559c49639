#pragma once
/// From configuration to a ModelClient.

#include <memory>

#include "agent/config/config.h"
#include "agent/conversation/model.h"
#include "agent/providers/http_model_client.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// Builds the client that `config` names (or that key and base URL imply), with its fallbacks behind it, wrapped into a
/// recorder when `config.record` is set. Does no I/O on the network. kInvalidInput when the key or the provider is
/// missing, with the line that says what to set.
Result<std::unique_ptr<ModelClient>> MakeModelClient(EventLoop& loop, const Config& config);

/// The first provider of `config` alone, chosen and checked: where it is, what it understands, how to get in.
/// kInvalidInput as above, and for the cassette, which is nowhere.
Result<HttpModelOptions> ChooseEndpoint(EventLoop& loop, const Config& config);

}  // namespace rune::agent
