"""OpenAI Chat Completions: what its servers say, and what they demand. A script's "dialect" picks whose habits."""

import json
import re

from wire_common import (args_text, call_id, canonical, check_arguments, check_call_id, check_echo, check_image_url, cut, duplicates,
                         seal, unknown)

PATH = re.compile(r"/chat/completions$")
DIALECTS = ("openai", "openrouter", "deepseek", "copilot", "mistral", "ollama-old", "gemini-compat")
DONE = "[DONE]"
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


def error(status, message=None):
    kind = {401: "invalid_request_error", 429: "rate_limit_error"}.get(status, "invalid_request_error" if status < 500 else "server_error")
    code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status)
    return {"error": {"message": message or f"the scripted server answers {status}", "type": kind, "param": None, "code": code}}


def stream_error(message):
    return {"data": error(500, message)}


def is_end(event):
    """The terminal marker, without which a stream is no answer."""
    data = event.get("data")
    if data == DONE:
        return True
    return isinstance(data, dict) and any(choice.get("finish_reason") for choice in data.get("choices") or [])


def finish_of(answer, dialect):
    calls = answer.get("tool_calls")
    return answer.get("finish") or ("tool_calls" if calls and dialect not in ("ollama-old", "gemini-compat", "copilot") else "stop")


def state(answer, number, dialect):
    """The provider's own state that comes with an answer: members of the message, and of its first call."""
    thought = answer.get("reasoning")
    if dialect == "gemini-compat" and answer.get("tool_calls"):
        return {}, {"extra_content": {"google": {"thought_signature": seal(number)}}}
    if thought is None:
        return {}, {}
    if dialect == "openrouter":
        return {"reasoning_details": [{"type": "reasoning.text", "text": thought, "format": "anthropic-claude-v1", "index": 0,
                                       "signature": seal(number)}]}, {}
    if dialect == "deepseek":
        return {"reasoning_content": thought}, {}
    if dialect == "copilot":
        return {"reasoning_text": thought, "reasoning_opaque": seal(number)}, {}
    return {}, {}


def thought_deltas(answer, number, dialect):
    for piece in cut(answer.get("reasoning"), answer.get("chunk")):
        if dialect == "openrouter":
            yield {"reasoning": piece, "reasoning_details": [{"type": "reasoning.text", "text": piece, "format": "anthropic-claude-v1", "index": 0}]}
        elif dialect == "copilot":
            yield {"reasoning_text": piece}
        elif dialect == "mistral":
            yield {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]}]}
        elif dialect == "ollama-old":
            yield {"reasoning": piece}
        else:
            yield {"reasoning_content": piece}
    if answer.get("reasoning") is not None and dialect == "openrouter":
        yield {"reasoning_details": [{"type": "reasoning.text", "signature": seal(number), "index": 0}]}
    if answer.get("reasoning") is not None and dialect == "copilot":
        yield {"reasoning_opaque": seal(number)}


def call_deltas(answer, number, dialect):
    for index, call in enumerate(answer.get("tool_calls") or []):
        identity, args = call_id(call, number, index), args_text(call)
        function = {"name": call["name"], "arguments": args}
        if dialect == "ollama-old":
            yield {"id": identity, "index": 0, "type": "function", "function": function}
        elif dialect == "gemini-compat":
            extra = state(answer, number, dialect)[1] if index == 0 else {}
            yield {"id": "", "type": "function", "function": function, **extra}
        elif dialect == "mistral":
            yield {"id": identity, "function": {"name": call["name"], "arguments": args[:1]}}
            yield {"id": identity, "function": {"name": "", "arguments": args[1:]}}
        else:
            yield {"index": index, "id": identity, "type": "function", "function": {"name": call["name"], "arguments": ""}}
            for piece in cut(args, 4096):
                yield {"index": index, "function": {"arguments": piece}}


def events(answer, number, dialect="openai"):
    """An answer {text, tool_calls, reasoning, usage, finish, chunk, model} as the events of a stream."""
    base = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1700000000, "model": answer.get("model", "test-model")}
    shared = {"role": "assistant", "content": ""} if dialect == "openrouter" else {}

    def chunk(delta, finish=None, usage=None):
        return {"data": {**base, "choices": [{"index": 0, "delta": {**shared, **delta}, "finish_reason": finish}], "usage": usage}}

    text, calls, usage = answer.get("text"), answer.get("tool_calls") or [], None
    if answer.get("usage", True):
        usage = answer.get("usage") or USAGE
    if dialect == "openrouter":
        yield {"comment": "OPENROUTER PROCESSING"}
    if dialect == "copilot":
        yield {"data": {"choices": [], "created": 0, "id": "", "prompt_filter_results": []}}
    yield chunk({"role": "assistant", "content": "" if text is not None or not calls else None})
    for delta in thought_deltas(answer, number, dialect):
        yield chunk(delta)
    for piece in cut(text, answer.get("chunk")):
        yield chunk({"content": piece})
    for call in call_deltas(answer, number, dialect):
        yield chunk({"tool_calls": [call]})
    yield chunk({}, finish_of(answer, dialect), usage if dialect in ("deepseek", "mistral") else None)
    if usage and dialect == "openrouter":
        yield chunk({}, None, usage)
    elif usage and dialect not in ("deepseek", "mistral"):
        yield {"data": {**base, "choices": [], "usage": usage}}
    yield {"data": DONE}


def document(answer, number, dialect="openai"):
    """The same answer to a request without `stream`."""
    on_message, on_call = state(answer, number, dialect)
    calls = [{"id": call_id(call, number, i), "type": "function", "function": {"name": call["name"], "arguments": args_text(call)}}
             for i, call in enumerate(answer.get("tool_calls") or [])]
    if calls:
        calls[0].update(on_call)
    message = {"role": "assistant", "content": answer.get("text"), **({"tool_calls": calls} if calls else {}), **on_message}
    return {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1700000000, "model": answer.get("model", "test-model"),
            "choices": [{"index": 0, "message": message, "finish_reason": answer.get("finish") or ("tool_calls" if calls else "stop")}],
            "usage": answer.get("usage") or USAGE}


def echoes(answer, number, dialect="openai"):
    """What must come back with the calls of this answer."""
    on_message, on_call = state(answer, number, dialect)
    calls = answer.get("tool_calls") or []
    if not calls or not (on_message or on_call):
        return []
    identity = None if dialect == "gemini-compat" else call_id(calls[0], number, 0)
    return [{"id": identity, "name": calls[0]["name"], "args": canonical(args_text(calls[0])), "message": on_message, "call": on_call}]


def last_tool(body):
    for message in reversed(body.get("messages") or []):
        if message.get("role") == "tool":
            content = message.get("content")
            return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])
    return None


def tool_names(body):
    return [tool.get("function", {}).get("name") for tool in body.get("tools") or []]


KEYS = {
    "model", "messages", "stream", "stream_options", "max_completion_tokens", "max_tokens", "temperature", "top_p", "seed", "stop",
    "n", "store", "reasoning_effort", "verbosity", "service_tier", "response_format", "tools", "tool_choice", "parallel_tool_calls",
    "prompt_cache_key", "safety_identifier", "user",
}
MORE_KEYS = {"openrouter": {"reasoning", "cache_control", "session_id", "provider"}}


def check_headers(headers, dialect):
    if dialect != "copilot":
        return []
    wanted = ("copilot-integration-id", "editor-version", "editor-plugin-version", "user-agent", "x-initiator")
    return [f"bad request: missing {name} header for IDE auth" for name in wanted if name not in headers]


def check(body, dialect="openai", sent=()):
    """The rules whose breach earns a 400 from one server or another."""
    if not isinstance(body, dict):
        return ["the body is not an object"]
    found = unknown(body, KEYS | MORE_KEYS.get(dialect, set()), "parameter")
    messages, tools = body.get("messages"), body.get("tools")
    if not isinstance(body.get("model"), str) or not body["model"]:
        found.append("'model' is missing")
    if not isinstance(messages, list) or not messages:
        return found + ["'messages' is missing or empty"]
    if tools is not None and (not isinstance(tools, list) or not tools):
        found.append("'tools' is an empty array")
    for tool in tools or []:
        function = tool.get("function", {})
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function.get("name", "")):
            found.append(f"tool name {function.get('name')!r} is not allowed")
        if not isinstance(function.get("parameters"), dict) or function["parameters"].get("type") != "object":
            found.append(f"tool {function.get('name')!r}: 'parameters' is not an object schema")
    if not tools and ("tool_choice" in body or "parallel_tool_calls" in body):
        found.append("'tool_choice' and 'parallel_tool_calls' need 'tools'")
    if "stream_options" in body and not body.get("stream"):
        found.append("'stream_options' needs 'stream'")
    return found + check_messages(messages, bool(tools), dialect) + check_states(messages, sent)


def check_messages(messages, has_tools, dialect):
    found, waiting, used = [], [], []
    heads = [i for i, message in enumerate(messages) if message.get("role") in ("system", "developer")]
    if heads != [0]:
        found.append(f"the system message is expected once, first; it is at {heads}")
    for i, message in enumerate(messages):
        role, calls = message.get("role"), message.get("tool_calls") or []
        if role not in ("system", "developer", "user", "assistant", "tool") or (role == "developer" and dialect != "openai"):
            found.append(f"messages[{i}]: role {role!r}")
        if role == "tool":
            if not waiting or message.get("tool_call_id") != waiting[0]:
                found.append(f"messages[{i}]: tool_call_id {message.get('tool_call_id')!r} is not the next open call {waiting[:1]}")
            waiting = [call for call in waiting if call != message.get("tool_call_id")]
            if not isinstance(message.get("content"), str):
                found.append(f"messages[{i}]: a tool message without text")
            continue
        if waiting:
            found.append(f"messages[{i}]: the calls {waiting} have no result before the next {role} message")
            waiting = []
        if i and messages[i - 1].get("role") == role:
            found.append(f"messages[{i}]: roles must alternate, two {role} messages in a row")
        found += check_content(i, message, calls, has_tools)
        for call in calls:
            used.append(call.get("id"))
            found += check_call_id(f"messages[{i}]", call.get("id"), 40)
            found += check_arguments(f"messages[{i}]", call.get("id"), call.get("function", {}).get("arguments"))
            waiting.append(call.get("id"))
    if waiting:
        found.append(f"the calls {waiting} have no result")
    if messages[-1].get("role") not in ("user", "tool"):
        found.append(f"the last message is from {messages[-1].get('role')!r}")
    return found + duplicates(used)


def check_content(i, message, calls, has_tools):
    found, role, content = [], message.get("role"), message.get("content")
    if calls and not has_tools:
        found.append(f"messages[{i}]: calls without 'tools' in the request")
    if role == "assistant" and not calls and not content:
        found.append(f"messages[{i}]: an empty assistant message")
    if role == "assistant" and isinstance(content, list):
        found.append(f"messages[{i}]: an assistant message of parts")
    if role != "assistant" and not content:
        found.append(f"messages[{i}]: an empty {role} message")
    for part in content if isinstance(content, list) else []:
        if part.get("type") == "text" and not part.get("text"):
            found.append(f"messages[{i}]: an empty text part")
        elif part.get("type") == "image_url":
            found += check_image_url(f"messages[{i}]", (part.get("image_url") or {}).get("url")) if role == "user" else \
                [f"messages[{i}]: a picture in a {role} message"]
        elif part.get("type") != "text":
            found.append(f"messages[{i}]: a part of type {part.get('type')!r}")
    return found


def check_states(messages, sent):
    """What servers gave with a call must come back with it, unchanged."""
    found = []
    for i, message in enumerate(messages):
        for call in message.get("tool_calls") or []:
            function = call.get("function", {})
            found += check_echo(f"messages[{i}]", sent, (call.get("id"), function.get("name"), function.get("arguments")), message, call)
    return found
