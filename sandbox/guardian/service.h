#pragma once
/// The guardian behind a socket: what `rune-sandbox` is when a client starts it.

namespace rune::sandbox {

/// Serves frames from `socket` until the client is gone, then kills every tree. Returns the exit code.
int ServeClient(int socket);

}  // namespace rune::sandbox
