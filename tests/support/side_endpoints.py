"""What a provider offers beside its chat: lists of models, tokens, logins, pictures. These requests play no turn of a script.

A script's "side" replaces an answer: {"GET /models": [{"status": 401, "body": {...}}, {"body": {...}}]}; the last one stays.
"""

import base64
import json
import re

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def models(wire):
    if wire == "gemini-native":
        return {"models": [{"name": f"models/{name}", "displayName": name, "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
                            "supportedGenerationMethods": ["generateContent", "countTokens"]} for name in ("gemini-2.5-flash", "test-model")]}
    if wire == "anthropic-messages":
        return {"data": [{"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
                         for name in ("claude-sonnet-4-5", "test-model")], "has_more": False, "first_id": None, "last_id": None}
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 1700000000, "owned_by": "scripted", "context_length": 128000}
                                       for name in ("gpt-4o", "test-model")]}


def copilot_models():
    def model(name, endpoints, **more):
        return {"id": name, "name": name, "object": "model", "vendor": "scripted", "model_picker_enabled": True, "preview": False,
                **({"supported_endpoints": endpoints} if endpoints else {}),
                "capabilities": {"family": name, "type": "chat", "limits": {"max_context_window_tokens": 128000, "max_prompt_tokens": 128000,
                                                                           "max_output_tokens": 16384},
                                 "supports": {"tool_calls": True, "parallel_tool_calls": True, "streaming": True, "vision": True, **more}}}
    return {"object": "list", "data": [model("test-model", None), model("test-responses", ["/responses"], reasoning_effort=["low", "high"]),
                                       model("test-messages", ["/v1/messages"])]}


def copilot_token(number):
    return {"token": f"tid=fake{number};exp=4102444800;sku=test;proxy-ep=proxy.individual.githubcopilot.com:mac", "expires_at": 4102444800,
            "refresh_in": 1500, "endpoints": {"api": "https://api.individual.githubcopilot.com"}}


class SideEndpoints:
    def __init__(self, script):
        self.wire = script.get("wire", "openai-chat")
        self.dialect = script.get("dialect")
        self.scripted = {key: list(answers) for key, answers in script.get("side", {}).items()}
        self.counts = {}

    def answer(self, method, path):
        """(status, headers, body bytes), or None for a path that is none of these."""
        plain = path.split("?")[0]
        key = f"{method} {plain}"
        number = self.counts[key] = self.counts.get(key, 0) + 1
        if key in self.scripted:
            listed = self.scripted[key]
            found = listed.pop(0) if len(listed) > 1 else listed[0]
            body = found.get("body", "")
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            return found.get("status", 200), found.get("headers", []), data
        picture = re.fullmatch(r"GET /img/[^/]+\.(png|gif|txt)", key)
        if picture:
            kind = picture.group(1)
            data = {"png": PNG, "gif": GIF, "txt": b"this is no picture\n"}[kind]
            return 200, [["Content-Type", "image/jpeg"]], data  # the type is a lie: it must be read from the bytes
        value = self.known(method, plain, number)
        return None if value is None else (200, [["Content-Type", "application/json"]], json.dumps(value).encode())

    def known(self, method, path, number):
        if method == "GET" and path.endswith("/models"):
            return copilot_models() if self.dialect == "copilot" else models(self.wire)
        if method == "POST" and re.search(r"/models/[^/]+/policy$", path):
            return {"state": "enabled"}
        if method == "GET" and path.endswith("/copilot_internal/v2/token"):
            return copilot_token(number)
        if method == "POST" and path == "/login/device/code":
            return {"device_code": "dev123", "user_code": "ABCD-1234", "verification_uri": "https://github.com/login/device",
                    "interval": 0, "expires_in": 900}
        if method == "POST" and path == "/login/oauth/access_token":
            return {"error": "authorization_pending"} if number == 1 else {"access_token": "ghu_fromDeviceLogin", "token_type": "bearer"}
        return None
