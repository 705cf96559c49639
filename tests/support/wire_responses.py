"""OpenAI Responses: what its servers say, and what they demand. The dialect "copilot" changes every id with every event."""

import re

from wire_common import (args_text, call_id, canonical, check_arguments, check_call_id, check_echo, check_image_url, cut, duplicates,
                         seal, unknown)

PATH = re.compile(r"/responses$")
DIALECTS = ("openai", "copilot")
USAGE = {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 10,
         "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 110}
TERMINAL = ("response.completed", "response.incomplete", "response.failed")


def error(status, message=None):
    kind = {429: "rate_limit_error"}.get(status, "invalid_request_error" if status < 500 else "server_error")
    code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status, "server_error" if status >= 500 else None)
    return {"error": {"message": message or f"the scripted server answers {status}", "type": kind, "param": None, "code": code}}


def stream_error(message):
    return {"event": "error", "data": {"type": "error", "sequence_number": 2, **error(500, message)}}


def is_end(event):
    return event.get("event") in TERMINAL


def thought_item(answer, number):
    return {"type": "reasoning", "id": f"rs_{number}", "summary": [{"type": "summary_text", "text": answer["reasoning"]}],
            "encrypted_content": seal(number)}


def output(answer, number):
    """The finished items of an answer."""
    items = [thought_item(answer, number)] if answer.get("reasoning") is not None else []
    if answer.get("text") is not None:
        items.append({"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
                      **({"phase": answer["phase"]} if "phase" in answer else {}),
                      "content": [{"type": "output_text", "text": answer["text"], "annotations": []}]})
    for index, call in enumerate(answer.get("tool_calls") or []):
        items.append({"type": "function_call", "id": f"fc_{number}_{index}", "call_id": call_id(call, number, index),
                      "name": call["name"], "arguments": args_text(call), "status": "completed"})
    return items


def document(answer, number, _dialect="openai"):
    reason = answer.get("finish")
    return {"id": f"resp_{number}", "object": "response", "created_at": 1700000000, "model": answer.get("model", "test-model"),
            "status": "incomplete" if reason else "completed", "incomplete_details": {"reason": reason} if reason else None,
            "error": None, "output": output(answer, number),
            "usage": (answer.get("usage") or USAGE) if answer.get("usage", True) else None}


def item_events(index, item, size):
    """One item as it comes into being, without ids of events."""
    opened = dict(item)
    if item["type"] == "reasoning":
        opened.update(summary=[], encrypted_content="unfinished")
    elif item["type"] == "message":
        opened.update(content=[], status="in_progress")
    else:
        opened.update(arguments="", status="in_progress")
    yield "response.output_item.added", {"output_index": index, "item": opened}
    base = {"output_index": index, "item_id": item["id"]}
    if item["type"] == "reasoning":
        text, place = item["summary"][0]["text"], {**base, "summary_index": 0}
        yield "response.reasoning_summary_part.added", {**place, "part": {"type": "summary_text", "text": ""}}
        for piece in cut(text, size):
            yield "response.reasoning_summary_text.delta", {**place, "delta": piece}
        yield "response.reasoning_summary_text.done", {**place, "text": text}
        yield "response.reasoning_summary_part.done", {**place, "part": item["summary"][0]}
    elif item["type"] == "message":
        text = item["content"][0]["text"]
        yield "response.content_part.added", {**base, "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}}
        for piece in cut(text, size):
            yield "response.output_text.delta", {**base, "content_index": 0, "delta": piece}
        yield "response.output_text.done", {**base, "content_index": 0, "text": text}
        yield "response.content_part.done", {**base, "content_index": 0, "part": item["content"][0]}
    else:
        for piece in cut(item["arguments"], size or 4096):
            yield "response.function_call_arguments.delta", {**base, "delta": piece}
        yield "response.function_call_arguments.done", {**base, "arguments": item["arguments"]}
    yield "response.output_item.done", {"output_index": index, "item": item}


def events(answer, number, dialect="openai"):
    whole = document(answer, number)
    begun = {**whole, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    listed = [("response.created", {"response": begun}), ("response.in_progress", {"response": begun})]
    for index, item in enumerate(whole["output"]):
        listed += item_events(index, item, answer.get("chunk"))
    listed.append(("response." + whole["status"], {"response": whole}))
    for sequence, (kind, data) in enumerate(listed):
        if dialect == "copilot":
            data = rotated(data, sequence)
        yield {"event": kind, "data": {"type": kind, "sequence_number": sequence, **data}}


def rotated(value, sequence):
    """Every id of an event is another one than in the event before; call_id stays."""
    if isinstance(value, list):
        return [rotated(item, sequence) for item in value]
    if isinstance(value, dict):
        return {key: f"{item}-{sequence}" if key in ("id", "item_id") else rotated(item, sequence) for key, item in value.items()}
    return value


def echoes(answer, number, _dialect="openai"):
    calls = answer.get("tool_calls") or []
    if not calls or answer.get("reasoning") is None:
        return []
    return [{"id": call_id(calls[0], number, 0), "name": calls[0]["name"], "args": canonical(args_text(calls[0])),
             "message": {"encrypted_content": seal(number)}}]


def last_tool(body):
    for item in reversed(body.get("input") if isinstance(body.get("input"), list) else []):
        if item.get("type") == "function_call_output":
            value = item.get("output")
            return value if isinstance(value, str) else "".join(part.get("text", "") for part in value or [])
    return None


def tool_names(body):
    return [tool.get("name") for tool in body.get("tools") or []]


KEYS = {
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "temperature", "top_p",
    "reasoning", "text", "include", "store", "truncation", "stream", "prompt_cache_key", "safety_identifier", "service_tier", "metadata",
}
ITEM_KEYS = {
    "message": {"type", "role", "content", "id", "status", "phase"},
    "function_call": {"type", "call_id", "name", "arguments", "id", "status"},
    "function_call_output": {"type", "call_id", "output", "id", "status"},
    "reasoning": {"type", "id", "summary", "encrypted_content", "content", "status"},
}


def check_headers(headers, dialect):
    if dialect != "copilot":
        return []
    wanted = ("copilot-integration-id", "editor-version", "editor-plugin-version", "user-agent", "x-initiator")
    return [f"bad request: missing {name} header for IDE auth" for name in wanted if name not in headers]


def check(body, _dialect="openai", sent=()):
    if not isinstance(body, dict):
        return ["the body is not an object"]
    found = unknown(body, KEYS, "parameter")
    items, tools = body.get("input"), body.get("tools")
    if not isinstance(body.get("model"), str) or not body["model"]:
        found.append("'model' is missing")
    if not isinstance(items, list) or not items:
        return found + ["'input' is missing or empty"]
    if body.get("instructions") == "":
        found.append("'instructions' is empty")
    if "max_output_tokens" in body and body["max_output_tokens"] < 16:
        found.append("'max_output_tokens': integer below minimum value, expected a value >= 16")
    if tools is not None and not tools:
        found.append("'tools' is an empty array")
    for tool in tools or []:
        if tool.get("type") != "function" or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tool.get("name", "")):
            found.append(f"tool name {tool.get('name')!r} is not allowed")
        if "strict" not in tool or not isinstance(tool.get("parameters"), dict):
            found.append(f"tool {tool.get('name')!r}: 'parameters' and 'strict' are required")
    if "tool_choice" in body and not tools:
        found.append("'tool_choice' needs 'tools'")
    return found + check_items(items, body.get("store", True), sent)


def check_items(items, stored, sent):
    found, waiting, used, thought, turn_thought = [], [], [], None, {}
    for i, item in enumerate(items):
        kind = item.get("type", "message")
        if kind not in ITEM_KEYS:
            found.append(f"input[{i}]: invalid value {kind!r}")
            continue
        found += unknown(item, ITEM_KEYS[kind], f"parameter in input[{i}]:")
        if thought and kind not in ("reasoning", "function_call") and not (kind == "message" and item.get("role") == "assistant"):
            found.append(f"Item '{thought.get('id')}' of type 'reasoning' was provided without its required following item.")
        if kind == "function_call":
            found += check_arguments(f"input[{i}]", item.get("call_id"), item.get("arguments"))
            found += check_call_id(f"input[{i}]", item.get("call_id"), 64)
            found += check_echo(f"input[{i}]", sent, (item.get("call_id"), item.get("name"), item.get("arguments")), turn_thought, item)
            used.append(item.get("call_id"))
            waiting.append(item.get("call_id"))
        elif kind == "function_call_output":
            if item.get("call_id") not in waiting:
                found.append(f"No tool call found for function call output with call_id {item.get('call_id')}.")
            waiting = [call for call in waiting if call != item.get("call_id")]
            found += check_parts(f"input[{i}]", item.get("output"), True)
        elif kind == "reasoning":
            if not stored and not item.get("encrypted_content"):
                found.append(f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false.")
        elif item.get("role") == "assistant":
            found += [] if item.get("content") else [f"input[{i}]: an empty assistant message"]
        else:
            if item.get("role") != "user":
                found.append(f"input[{i}]: role {item.get('role')!r}")
            if waiting:
                found.append(f"No tool output found for function call {waiting[0]}.")
                waiting = []
            found += check_parts(f"input[{i}]", item.get("content"), False)
        thought = item if kind == "reasoning" else None
        if kind == "reasoning":
            turn_thought = item
        elif kind == "function_call_output" or item.get("role") == "user":
            turn_thought = {}
    if thought:
        found.append(f"Item '{thought.get('id')}' of type 'reasoning' was provided without its required following item.")
    if waiting:
        found.append(f"No tool output found for function call {waiting[0]}.")
    last = items[-1]
    if last.get("type") != "function_call_output" and last.get("role") != "user":
        found.append("the last item is neither the user's nor a tool's")
    return found + duplicates(used)


def check_parts(where, content, empty_is_fine):
    if isinstance(content, str):
        return [] if content or empty_is_fine else [f"{where}: an empty message"]
    found = [] if content else [f"{where}: an empty list of parts"]
    for part in content or []:
        if part.get("type") == "input_text":
            found += [] if part.get("text") else [f"{where}: an empty text part"]
        elif part.get("type") == "input_image":
            found += check_image_url(where, part.get("image_url"))
        else:
            found.append(f"{where}: a part of type {part.get('type')!r}")
    return found
