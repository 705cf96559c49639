"""The wire protocols of the fake server, by name. Each is a module with PATH, DIALECTS, events, document, error, stream_error,
is_end, echoes, check, check_headers, last_tool and tool_names."""

import wire_anthropic
import wire_chat
import wire_gemini
import wire_responses

WIRES = {"openai-chat": wire_chat, "openai-responses": wire_responses, "anthropic-messages": wire_anthropic, "gemini-native": wire_gemini}


def wire_of(path, otherwise):
    """The wire that a request's path belongs to."""
    plain = path.split("?")[0]
    return next((name for name, wire in WIRES.items() if wire.PATH.search(plain)), otherwise)


def newline(wire):
    return getattr(wire, "NEWLINE", "\n")
