"""Gemini's native API: what its server says, and what it demands."""

import re

from wire_common import args_value, canonical, args_text, check_image, cut, seal, unknown

PATH = re.compile(r"/models/[^/:]+:(streamGenerateContent|generateContent)$")
DIALECTS = ("gemini",)
NEWLINE = "\r\n"
USAGE = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
          500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


def error(status, message=None):
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}] if status == 401 else []
    # A wrong key is a bad request here.
    code = 400 if status == 401 else status
    return {"error": {"code": code, "message": message or f"the scripted server answers {status}", "status": STATUS.get(code, "UNKNOWN"),
                      **({"details": details} if details else {})}}


def stream_error(message):
    return {"data": error(503, message)}


def is_end(event):
    data = event.get("data")
    return isinstance(data, dict) and any("finishReason" in candidate for candidate in data.get("candidates") or [])


def parts(answer, number):
    """The parts of an answer, whole. The first call of a step is signed; so is the last text, where something was thought."""
    listed, calls = [], answer.get("tool_calls") or []
    if answer.get("reasoning") is not None:
        listed.append({"text": answer["reasoning"], "thought": True})
    if answer.get("text") is not None:
        listed.append({"text": answer["text"]})
        if answer.get("reasoning") is not None and not calls:
            listed[-1]["thoughtSignature"] = seal(number)
    for index, call in enumerate(calls):
        part = {"functionCall": {"name": call["name"], "args": args_value(call)}}
        if "id" in call:
            part["functionCall"]["id"] = call["id"]
        if index == 0 and answer.get("signed", True):
            part["thoughtSignature"] = seal(number)
        listed.append(part)
    return listed


def response(answer, listed, finish=None):
    candidate = {"index": 0, "content": {"parts": listed, "role": "model"}}
    if finish:
        candidate["finishReason"] = finish
    usage = {"usageMetadata": answer.get("usage") or USAGE} if answer.get("usage", True) else {}
    return {"candidates": [candidate], **usage, "modelVersion": answer.get("model", "test-model"), "responseId": "scripted"}


def document(answer, number, _dialect="gemini"):
    return response(answer, parts(answer, number), answer.get("finish") or "STOP")


def events(answer, number, _dialect="gemini"):
    for part in parts(answer, number):
        if "functionCall" in part:
            yield {"data": response(answer, [part])}
            continue
        pieces = cut(part["text"], answer.get("chunk"))
        for k, piece in enumerate(pieces):
            more = dict(part) if k == len(pieces) - 1 else {key: value for key, value in part.items() if key != "thoughtSignature"}
            yield {"data": response(answer, [{**more, "text": piece}])}
    yield {"data": response(answer, [{"text": ""}], answer.get("finish") or "STOP")}


def echoes(answer, number, _dialect="gemini"):
    return [{"name": call["name"], "args": canonical(args_text(call)), "part": part}
            for call, part in zip(answer.get("tool_calls") or [], [p for p in parts(answer, number) if "functionCall" in p])]


def last_tool(body):
    for content in reversed(body.get("contents") or []):
        for part in reversed(content.get("parts") or []):
            if "functionResponse" in part:
                return "".join(str(value) for value in part["functionResponse"].get("response", {}).values())
    return None


def tool_names(body):
    return [declared.get("name") for tool in body.get("tools") or [] for declared in tool.get("functionDeclarations") or []]


KEYS = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"}
CONFIG_KEYS = {"temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "seed", "candidateCount", "responseMimeType",
               "responseSchema", "responseJsonSchema", "thinkingConfig"}
PART_KEYS = {"text", "inlineData", "fileData", "functionCall", "functionResponse", "thought", "thoughtSignature"}
SCHEMA_KEYS = {"$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems", "minItems",
               "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required", "propertyOrdering"}


def check_headers(headers, _dialect):
    return [] if "x-goog-api-key" in headers else ["Method doesn't allow unregistered callers: no x-goog-api-key"]


def nowhere(keys, known, where):
    return [f"Invalid JSON payload received. Unknown name \"{key}\" at '{where}': Cannot find field." for key in keys if key not in known]


def check(body, _dialect="gemini", sent=()):
    if not isinstance(body, dict):
        return ["the body is not an object"]
    found = nowhere(body, KEYS, "") + nowhere(body.get("generationConfig") or {}, CONFIG_KEYS, "generation_config")
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        return found + ["* GenerateContentRequest.contents: contents is not specified"]
    for tool in body.get("tools") or []:
        declared = tool.get("functionDeclarations")
        found += [] if declared else ["* GenerateContentRequest.tools[0]: tool_type is required"]
        for function in declared or []:
            found += check_declaration(function)
    system = body.get("systemInstruction")
    if system is not None and not any(part.get("text") for part in system.get("parts") or []):
        found.append("* GenerateContentRequest.system_instruction: empty")
    return found + check_contents(contents, sent)


def check_declaration(function):
    name, found = function.get("name", ""), []
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", name):
        found.append(f"Invalid function name {name!r}")
    found += nowhere(function, {"name", "description", "parameters", "parametersJsonSchema"}, f"function_declarations '{name}'")
    if "parametersJsonSchema" in function:
        found += check_schema(function["parametersJsonSchema"], name)
    return found


def check_schema(schema, where):
    if not isinstance(schema, dict):
        return []
    found = nowhere(schema, SCHEMA_KEYS, where)
    if isinstance(schema.get("type"), list):
        found.append(f"{where}: a list of types")
    for key, inner in (schema.get("properties") or {}).items():
        found += check_schema(inner, f"{where}.{key}")
    for inner in [schema.get("items"), *(schema.get("anyOf") or [])]:
        found += check_schema(inner, where)
    return found


def check_contents(contents, sent):
    found, calls = [], []
    if contents[0].get("role") != "user":
        found.append("the first content is not the user's")
    for i, content in enumerate(contents):
        role, listed = content.get("role"), content.get("parts") or []
        where = f"contents[{i}]"
        if role not in ("user", "model"):
            found.append(f"{where}: Please use a valid role: user, model.")
        if not listed:
            found.append(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
        responses = [part["functionResponse"] for part in listed if "functionResponse" in part]
        if calls and len(responses) != len(calls):
            found.append("Please ensure that the number of function response parts is equal to the number of function call parts of "
                         "the function call turn.")
        elif [(r.get("name"), r.get("id")) for r in responses] != [(c.get("name"), c.get("id")) for c in calls]:
            found.append(f"{where}: function responses do not follow the order of their calls")
        asked = calls
        calls = [part["functionCall"] for part in listed if "functionCall" in part]
        if calls and (role != "model" or i == 0 or contents[i - 1].get("role") != "user"):
            found.append("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
        for part in listed:
            found += check_part(where, part, bool(asked))
        found += check_signatures(where, listed, sent)
    if calls:
        found.append("function calls without responses")
    if contents[-1].get("role") != "user":
        found.append("the last content is not the user's")
    return found


def check_part(where, part, answers):
    found = nowhere(part, PART_KEYS, f"{where}.parts")
    if len({"text", "inlineData", "fileData", "functionCall", "functionResponse"} & set(part)) != 1:
        found.append(f"{where}: a part needs exactly one of its kinds")
    if part.get("text") == "" and "thoughtSignature" not in part:
        found.append(f"{where}: an empty text part")
    if "inlineData" in part:
        found += check_image(where, part["inlineData"].get("mimeType"), part["inlineData"].get("data"))
    if "functionCall" in part and not isinstance(part["functionCall"].get("args", {}), dict):
        found.append(f"{where}: args is no object")
    if "functionResponse" in part:
        if not answers:
            found.append(f"{where}: a function response without its call")
        if not isinstance(part["functionResponse"].get("response"), dict):
            found.append(f"{where}: response is no object")
        for inner in part["functionResponse"].get("parts") or []:
            found += check_part(where, inner, answers)
    return found


def check_signatures(where, listed, sent):
    """Every call must come back on the part that it came in."""
    found = []
    for part in listed:
        call = part.get("functionCall")
        if not call:
            continue
        for record in sent:
            if (record["name"], record["args"]) != (call.get("name"), canonical_args(call)):
                continue
            wanted = record["part"].get("thoughtSignature")
            if part.get("thoughtSignature") != wanted and not any(
                    other["part"].get("thoughtSignature") == part.get("thoughtSignature") for other in sent
                    if (other["name"], other["args"]) == (record["name"], record["args"])):
                found.append(f"{where}: Function call is missing a thought_signature in functionCall parts" if wanted
                             else f"{where}: Corrupted thought signature")
            if "id" in record["part"]["functionCall"] and call.get("id") != record["part"]["functionCall"]["id"]:
                found.append(f"{where}: the id of a call must come back")
    return found


def canonical_args(call):
    return canonical(args_text({"args": call.get("args", {})}))
