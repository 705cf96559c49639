"""Anthropic Messages: what its server says, and what it demands."""

import re

from wire_common import (args_text, args_value, call_id, check_call_id, check_image, cut, duplicates, seal, unknown)

PATH = re.compile(r"/messages$")
DIALECTS = ("anthropic",)
USAGE = {"input_tokens": 100, "output_tokens": 10}
KINDS = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
         413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error"}


def error(status, message=None):
    return {"type": "error", "error": {"type": KINDS.get(status, "api_error"), "message": message or f"the scripted server answers {status}"},
            "request_id": "req_scripted"}


def stream_error(message):
    return {"event": "error", "data": error(529, message)}


def is_end(event):
    return event.get("event") in ("message_stop", "message_delta")


def blocks(answer, number):
    listed = []
    if answer.get("reasoning") is not None:
        listed.append({"type": "thinking", "thinking": answer["reasoning"], "signature": seal(number)})
    if answer.get("redacted") is not None:
        listed.append({"type": "redacted_thinking", "data": answer["redacted"]})
    if answer.get("text") is not None:
        listed.append({"type": "text", "text": answer["text"]})
    for index, call in enumerate(answer.get("tool_calls") or []):
        listed.append({"type": "tool_use", "id": call_id(call, number, index, "toolu_"), "name": call["name"], "input": call})
    return listed


def finish_of(answer):
    return answer.get("finish") or ("tool_use" if answer.get("tool_calls") else "end_turn")


def head(answer, number):
    return {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": answer.get("model", "test-model"), "content": [],
            "stop_reason": None, "stop_sequence": None}


def document(answer, number, _dialect="anthropic"):
    content = [{**block, "input": args_value(block["input"])} if block["type"] == "tool_use" else block for block in blocks(answer, number)]
    return {**head(answer, number), "content": content, "stop_reason": finish_of(answer), "usage": answer.get("usage") or USAGE}


def block_events(index, block, size):
    opened, deltas = dict(block), []
    if block["type"] == "text":
        opened["text"] = ""
        deltas = [{"type": "text_delta", "text": piece} for piece in cut(block["text"], size)]
    elif block["type"] == "thinking":
        opened.update(thinking="", signature="")
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in cut(block["thinking"], size)]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif block["type"] == "tool_use":
        opened["input"] = {}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in [""] + cut(args_text(block["input"]), size or 4096)]
    yield "content_block_start", {"index": index, "content_block": opened}
    for delta in deltas:
        yield "content_block_delta", {"index": index, "delta": delta}
    yield "content_block_stop", {"index": index}


def events(answer, number, _dialect="anthropic"):
    usage = (answer.get("usage") or USAGE) if answer.get("usage", True) else {}
    listed = [("message_start", {"message": {**head(answer, number), "usage": {**usage, "output_tokens": 1} if usage else {}}}), ("ping", {})]
    for index, block in enumerate(blocks(answer, number)):
        listed += block_events(index, block, answer.get("chunk"))
    listed.append(("message_delta", {"delta": {"stop_reason": finish_of(answer), "stop_sequence": None},
                                     "usage": {"output_tokens": usage["output_tokens"]} if usage else {}}))
    listed.append(("message_stop", {}))
    for kind, data in listed:
        yield {"event": kind, "data": {"type": kind, **data}}


def echoes(answer, number, _dialect="anthropic"):
    """Thoughts must stand unchanged before the calls that came of them."""
    calls = answer.get("tool_calls") or []
    thoughts = [block for block in blocks(answer, number) if block["type"].endswith("thinking")]
    return [{"id": call_id(calls[0], number, 0, "toolu_"), "thoughts": thoughts}] if calls and thoughts else []


def last_tool(body):
    for message in reversed(body.get("messages") or []):
        for block in reversed(message.get("content") if isinstance(message.get("content"), list) else []):
            if block.get("type") == "tool_result":
                value = block.get("content")
                return value if isinstance(value, str) else "".join(part.get("text", "") for part in value or [])
    return None


def tool_names(body):
    return [tool.get("name") for tool in body.get("tools") or []]


KEYS = {"model", "messages", "max_tokens", "system", "stream", "stop_sequences", "temperature", "top_p", "top_k", "tools", "tool_choice",
        "thinking", "output_config", "metadata", "service_tier", "cache_control"}
BLOCK_KEYS = {
    "text": {"type", "text", "cache_control", "citations"}, "image": {"type", "source", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    "thinking": {"type", "thinking", "signature"}, "redacted_thinking": {"type", "data"},
}


def check_headers(headers, _dialect):
    found = [] if "anthropic-version" in headers else ["anthropic-version: header is required"]
    if "x-api-key" not in headers and "authorization" not in headers:
        found.append("x-api-key header is required")
    return found


def check(body, _dialect="anthropic", sent=()):
    if not isinstance(body, dict):
        return ["the body is not an object"]
    found = [f"{text}: Extra inputs are not permitted" for text in unknown(body, KEYS, "parameter")]
    messages, tools = body.get("messages"), body.get("tools")
    if not isinstance(body.get("model"), str) or not body["model"]:
        found.append("model: Field required")
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        found.append("max_tokens: Field required")
    if not isinstance(messages, list) or not messages:
        return found + ["messages: at least one message is required"]
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled" and not 1024 <= thinking.get("budget_tokens", 0) < body.get("max_tokens", 0):
        found.append("`max_tokens` must be greater than `thinking.budget_tokens`, which is at least 1024")
    if thinking.get("type") in ("enabled", "adaptive") and body.get("temperature", 1) != 1:
        found.append("`temperature` may only be set to 1 when thinking is enabled")
    if tools is not None and not tools:
        found.append("tools: an empty list")
    for tool in tools or []:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tool.get("name", "")) or (tool.get("input_schema") or {}).get("type") != "object":
            found.append(f"tools: {tool.get('name')!r} needs a legal name and an object schema")
    system = body.get("system") or []
    every = [system if isinstance(system, list) else [], tools or []] + [m.get("content") or [] for m in messages if isinstance(m.get("content"), list)]
    if sum("cache_control" in block for listed in every for block in listed) > 4:
        found.append("A maximum of 4 blocks with cache_control may be provided")
    return found + check_messages(messages, bool(tools), thinking.get("type") == "enabled", sent)


def check_messages(messages, has_tools, thinking, sent):
    found, waiting, used, thoughts = [], [], [], []
    for i, message in enumerate(messages):
        where, role, content = f"messages.{i}", message.get("role"), message.get("content")
        if role != ("user", "assistant")[i % 2]:
            found.append(f"{where}: roles must alternate between \"user\" and \"assistant\", the user first")
        content = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not content:
            found.append(f"{where}: all messages must have non-empty content")
        results = [block.get("tool_use_id") for block in content or [] if block.get("type") == "tool_result"]
        if waiting and results != waiting:
            found.append(f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {waiting}")
        if any(identity not in waiting for identity in results):
            found.append(f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {results}")
        waiting, thoughts = [], []
        for k, block in enumerate(content or []):
            found += check_block(f"{where}.content.{k}", block, role)
            if block.get("type") == "tool_result" and k >= len(results):
                found.append(f"{where}: tool_result blocks come first")
            if block.get("type", "").endswith("thinking"):
                thoughts.append(block)
            if block.get("type") == "tool_use":
                waiting.append(block.get("id"))
                used.append(block.get("id"))
                wanted = [record["thoughts"] for record in sent if record["id"] == block.get("id")]
                if wanted and thoughts != wanted[0]:
                    found.append(f"{where}: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified")
        if thinking and waiting and i >= len(messages) - 2 and not content[0].get("type", "").endswith("thinking"):
            found.append(f"{where}: Expected `thinking` or `redacted_thinking`, but found `{content[0].get('type')}`")
    if waiting:
        found.append(f"`tool_use` ids were found without `tool_result` blocks: {waiting}")
    if used and not has_tools:
        found.append("Requests which include `tool_use` or `tool_result` blocks must define tools")
    if messages[-1].get("role") != "user":
        found.append("the conversation must end with a user message")
    return found + duplicates(used)


def check_block(where, block, role):
    kind = block.get("type")
    if kind not in BLOCK_KEYS:
        return [f"{where}: Input tag {kind!r} found"]
    found = unknown(block, BLOCK_KEYS[kind], f"{where}:")
    if (kind in ("tool_use", "thinking", "redacted_thinking")) != (role == "assistant") and kind not in ("text",):
        found.append(f"{where}: a {kind} block in a {role} message")
    if kind == "text" and not (block.get("text") or "").strip():
        found.append(f"{where}: text content blocks must contain non-whitespace text")
    if kind == "thinking" and not block.get("signature"):
        found.append(f"{where}: an unsigned thought")
    if kind == "tool_use":
        found += check_call_id(where, block.get("id"), 64)
        found += [] if isinstance(block.get("input"), dict) else [f"{where}: input: Input should be a valid dictionary"]
    if kind == "image":
        source = block.get("source") or {}
        found += check_image(where, source.get("media_type"), source.get("data")) if source.get("type") == "base64" else []
    if kind == "tool_result" and isinstance(block.get("content"), list):
        for k, inner in enumerate(block["content"]):
            found += check_block(f"{where}.content.{k}", inner, "user")
        found += [] if block["content"] else [f"{where}: an empty tool_result"]
    return found


