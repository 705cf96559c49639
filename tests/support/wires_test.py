#!/usr/bin/python3
"""The wires of the fake server: what each says and demands, judged from outside."""

import copy
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import wire_anthropic  # noqa: E402
import wire_chat  # noqa: E402
import wire_gemini  # noqa: E402
import wire_responses  # noqa: E402
from fake_model_test import Server, user  # noqa: E402
from side_endpoints import PNG  # noqa: E402
from wire_common import check_image_url, seal  # noqa: E402

SCHEMA = {"type": "object", "properties": {}}
CALL = {"reasoning": "hm", "text": "I look", "tool_calls": [{"name": "echo", "args": {"x": 1}}, {"name": "echo", "args": {"x": 2}}]}
PATHS = {"openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses", "anthropic-messages": "/v1/messages",
         "gemini-native": "/v1beta/models/m:streamGenerateContent?alt=sse"}
HEADERS = {"anthropic-messages": {"x-api-key": "k", "anthropic-version": "2023-06-01"}, "gemini-native": {"x-goog-api-key": "k"}}


def frames(body):
    """The events of a stream, as (name, data)."""
    found = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in fields and fields["data"] != "[DONE]":
            found.append((fields.get("event"), json.loads(fields["data"])))
    return found


# One conversation per wire: a question, the server's own answer, results, in the words of that wire.

def chat_history(dialect="openai"):
    message = wire_chat.document(CALL, 1, dialect)["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in message["tool_calls"]]
    return {"model": "m", "stream": True, "tools": [{"type": "function", "function": {"name": "echo", "parameters": SCHEMA}}],
            "messages": [{"role": "system", "content": "s"}, user(), message, *results]}


def responses_history(_dialect="openai"):
    items = wire_responses.output(CALL, 1)
    items[1]["content"] = items[1]["content"][0]["text"]
    calls = [item for item in items if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "ok"} for call in calls]
    return {"model": "m", "stream": True, "store": False, "instructions": "s",
            "tools": [{"type": "function", "name": "echo", "parameters": SCHEMA, "strict": False}],
            "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}, *items, *results]}


def anthropic_history(_dialect="anthropic"):
    content = wire_anthropic.document(CALL, 1)["content"]
    results = [{"type": "tool_result", "tool_use_id": block["id"], "content": "ok"} for block in content if block["type"] == "tool_use"]
    return {"model": "m", "max_tokens": 100, "stream": True, "tools": [{"name": "echo", "input_schema": SCHEMA}],
            "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": content}, {"role": "user", "content": results}]}


def gemini_history(_dialect="gemini"):
    content = wire_gemini.document(CALL, 1)["candidates"][0]["content"]
    results = [{"functionResponse": {"name": "echo", "response": {"output": "ok"}}} for part in content["parts"] if "functionCall" in part]
    return {"tools": [{"functionDeclarations": [{"name": "echo", "parametersJsonSchema": SCHEMA}]}],
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}, content, {"role": "user", "parts": results}]}


HISTORIES = {"openai-chat": (wire_chat, chat_history), "openai-responses": (wire_responses, responses_history),
             "anthropic-messages": (wire_anthropic, anthropic_history), "gemini-native": (wire_gemini, gemini_history)}


def at(body, *path):
    for key in path:
        body = body[key]
    return body


class Rules(unittest.TestCase):
    def expect(self, wire, history, changes):
        self.assertEqual(wire.check(history()), [])
        for part, change in changes.items():
            body = copy.deepcopy(history())
            change(body)
            self.assertTrue(any(part in finding for finding in wire.check(body)), (part, wire.check(body)))

    def test_the_rules_of_the_responses_wire(self):
        self.expect(wire_responses, responses_history, {
            "unknown parameter": lambda b: b.update(messages=[]),
            "'model' is missing": lambda b: b.update(model=""),
            "No tool output found": lambda b: b["input"].pop(),
            "No tool call found": lambda b: b["input"].insert(1, {"type": "function_call_output", "call_id": "zz", "output": "x"}),
            "used twice": lambda b: b["input"][4].update(call_id=b["input"][3]["call_id"]),
            "arguments": lambda b: b["input"][3].update(arguments="{"),
            "duplicate member": lambda b: b["input"][3].update(arguments='{"x":1,"x":2}'),
            "without its required following item": lambda b: b["input"].append(b["input"].pop(1)),
            "not persisted": lambda b: b["input"][1].pop("encrypted_content"),
            "'parameters' and 'strict'": lambda b: b["tools"][0].pop("strict"),
            "empty array": lambda b: b.update(tools=[]),
            ">= 16": lambda b: b.update(max_output_tokens=3),
            "neither the user's nor a tool's": lambda b: b["input"].append({"type": "message", "role": "assistant", "content": "x"}),
            "empty text part": lambda b: b["input"][0].update(content=[{"type": "input_text", "text": ""}]),
        })

    def test_the_rules_of_the_anthropic_wire(self):
        message = {"type": "text", "text": "x"}
        self.expect(wire_anthropic, anthropic_history, {
            "Extra inputs": lambda b: b.update(stream_options={}),
            "max_tokens: Field required": lambda b: b.pop("max_tokens"),
            "immediately after": lambda b: at(b, "messages", 2, "content").pop(),
            "unexpected `tool_use_id`": lambda b: at(b, "messages", 2, "content", 0).update(tool_use_id="zz"),
            "come first": lambda b: at(b, "messages", 2, "content").insert(0, message),
            "must alternate": lambda b: b["messages"].append({"role": "user", "content": "x"}),
            "non-empty content": lambda b: at(b, "messages", 0).update(content=[]),
            "non-whitespace": lambda b: at(b, "messages", 1, "content", 1).update(text=" "),
            "must define tools": lambda b: b.pop("tools"),
            "unsigned": lambda b: at(b, "messages", 1, "content", 0).update(signature=""),
            "greater than": lambda b: b.update(thinking={"type": "enabled", "budget_tokens": 1024}),
            "Expected `thinking`": lambda b: (b.update(max_tokens=9999, thinking={"type": "enabled", "budget_tokens": 1024}),
                                              at(b, "messages", 1, "content").pop(0)),
            "when thinking is enabled": lambda b: b.update(max_tokens=9999, temperature=0, thinking={"type": "enabled", "budget_tokens": 1024}),
            "maximum of 4": lambda b: at(b, "messages", 2).update(content=[{**message, "cache_control": {}}] * 5),
            "must end with a user": lambda b: b["messages"].append({"role": "assistant", "content": "x"}),
            "not base64": lambda b: at(b, "messages", 0).update(content=[{"type": "image", "source": {
                "type": "base64", "media_type": "image/png", "data": "?"}}]),
        })

    def test_the_rules_of_the_gemini_wire(self):
        self.expect(wire_gemini, gemini_history, {
            "Unknown name \"messages\"": lambda b: b.update(messages=[]),
            "Unknown name \"$schema\"": lambda b: at(b, "tools", 0, "functionDeclarations", 0).update(parametersJsonSchema={"$schema": "x"}),
            "tool_type is required": lambda b: b.update(tools=[{"functionDeclarations": []}]),
            "number of function response parts": lambda b: at(b, "contents", 2, "parts").pop(),
            "immediately after a user turn": lambda b: b["contents"].insert(1, {"role": "model", "parts": [{"text": "x"}]}),
            "must not be empty": lambda b: at(b, "contents", 0).update(parts=[]),
            "not the user's": lambda b: b["contents"].pop(0),
            "valid role": lambda b: at(b, "contents", 2).update(role="function"),
            "without its call": lambda b: at(b, "contents", 0, "parts").append({"functionResponse": {"name": "echo", "response": {}}}),
            "response is no object": lambda b: at(b, "contents", 2, "parts", 0, "functionResponse").update(response="ok"),
            "empty text part": lambda b: at(b, "contents", 0).update(parts=[{"text": ""}]),
            "exactly one of its kinds": lambda b: at(b, "contents", 0, "parts", 0).update(inlineData={}),
        })

    def test_pictures_are_judged_by_their_bytes(self):
        import base64
        png = base64.b64encode(PNG).decode()
        self.assertEqual(check_image_url("x", f"data:image/png;base64,{png}"), [])
        self.assertEqual(check_image_url("x", "https://x.example/a"), [])
        for wrong in (f"data:image/jpeg;base64,{png}", "data:image/png;base64,", "a.png", None):
            self.assertTrue(check_image_url("x", wrong), wrong)
        body = chat_history()
        body["messages"][-1]["content"] = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}}]
        self.assertTrue(wire_chat.check(body))


class Echoes(unittest.TestCase):
    """Provider state must come back unchanged, on every wire and in every dialect that has some."""

    def test_state_that_is_lost_or_changed_is_refused(self):
        cases = [("openai-chat", dialect) for dialect in ("openrouter", "deepseek", "copilot", "gemini-compat")]
        cases += [(name, None) for name in ("openai-responses", "anthropic-messages", "gemini-native")]
        for name, dialect in cases:
            wire, history = HISTORIES[name]
            dialect = dialect or wire.DIALECTS[0]
            sent = wire.echoes(CALL, 1, dialect)
            self.assertTrue(sent, name)
            body = history(dialect)
            self.assertEqual(wire.check(body, dialect, sent), [], (name, dialect))
            texts = [seal(1)] if dialect != "deepseek" else ["hm"]
            for text in texts:
                changed = json.loads(json.dumps(body).replace(text, text + "x" if dialect == "deepseek" else text[:-4] + "AAA="))
                self.assertNotEqual(changed, body)
                self.assertTrue(wire.check(changed, dialect, sent), (name, dialect))


class Streams(unittest.TestCase):
    def played(self, name, answer, **script):
        server = Server({"wire": name, "validate": False, "turns": [answer], **script})
        body = {"model": "m", "stream": True}
        response, data = server.post(body, HEADERS.get(name), PATHS[name])
        self.assertEqual(server.stop()[0], 0)
        return response, data

    def test_every_wire_streams_text_calls_and_thoughts(self):
        for name in HISTORIES:
            _, data = self.played(name, {**CALL, "chunk": 3})
            text = json.dumps([value for _, value in frames(data)])
            self.assertIn("echo", text, name)
            self.assertIn("input" if "anthropic" in name else "args" if "gemini" in name else "arguments", text, name)
            self.assertIn('"I l' if "gemini" in name else "I l", text, name)

    def test_every_wire_has_its_own_end_and_can_leave_it_out(self):
        marks = {"openai-chat": b"[DONE]", "openai-responses": b"response.completed", "anthropic-messages": b"message_stop",
                 "gemini-native": b"finishReason"}
        for name, mark in marks.items():
            self.assertIn(mark, self.played(name, {"text": "whole"})[1])
            self.assertNotIn(mark, self.played(name, {"fault": "no_end"})[1])

    def test_every_wire_has_its_own_errors(self):
        places = {"openai-chat": ("error", "code"), "openai-responses": ("error", "code"), "anthropic-messages": ("error", "type"),
                  "gemini-native": ("error", "status")}
        words = {"openai-chat": "rate_limit_exceeded", "openai-responses": "rate_limit_exceeded", "anthropic-messages": "rate_limit_error",
                 "gemini-native": "RESOURCE_EXHAUSTED"}
        for name, place in places.items():
            response, data = self.played(name, {"fault": "429"})
            self.assertEqual((response.status, at(json.loads(data), *place)), (429, words[name]))
            self.assertIn(b"mid-stream failure", self.played(name, {"fault": "stream_error"})[1])

    def test_gemini_frames_with_crlf_and_the_others_with_lf(self):
        self.assertIn(b"\r\n\r\n", self.played("gemini-native", {"text": "x"})[1])
        self.assertNotIn(b"\r", self.played("openai-chat", {"text": "x"})[1])

    def test_the_dialects_of_the_chat_wire(self):
        def data(dialect):
            return self.played("openai-chat", CALL, dialect=dialect)[1]
        self.assertIn(b": OPENROUTER PROCESSING", data("openrouter"))
        self.assertIn(b"reasoning_opaque", data("copilot"))
        self.assertIn(b'"thinking": [', data("mistral"))
        self.assertIn(b'"name": ""', data("mistral"))
        self.assertNotIn(b'"index": 1', data("ollama-old"))
        self.assertIn(b'"id": "", "type": "function"', data("gemini-compat"))
        self.assertIn(b"reasoning_content", data("deepseek"))

    def test_copilots_ids_change_with_every_event(self):
        found = [value["item_id"] for _, value in frames(self.played("openai-responses", {"text": "abcdef", "chunk": 1}, dialect="copilot")[1])
                 if "item_id" in value]
        self.assertEqual(len(found), len(set(found)))

    def test_a_key_in_the_url_or_a_missing_header_is_refused(self):
        for path, headers in ((PATHS["gemini-native"] + "&key=k", HEADERS["gemini-native"]), (PATHS["gemini-native"], {})):
            server = Server({"wire": "gemini-native", "turns": [{"text": "x"}]})
            self.assertEqual(server.post(gemini_history(), headers, path)[0].status, 400)
            self.assertEqual(server.stop()[0], 1)


class Beside(unittest.TestCase):
    def get(self, server, path):
        server.client.request("GET", path)
        response = server.client.getresponse()
        return response.status, response.read()

    def test_lists_tokens_logins_and_pictures_play_no_turn(self):
        server = Server({"dialect": "copilot", "turns": []})
        self.assertIn("supported_endpoints", self.get(server, "/models")[1].decode())
        self.assertIn(b"tid=fake1", self.get(server, "/copilot_internal/v2/token")[1])
        self.assertIn(b"tid=fake2", self.get(server, "/copilot_internal/v2/token")[1])
        self.assertIn(b"user_code", server.post({}, path="/login/device/code")[1])
        self.assertIn(b"authorization_pending", server.post({}, path="/login/oauth/access_token")[1])
        self.assertIn(b"ghu_", server.post({}, path="/login/oauth/access_token")[1])
        self.assertTrue(self.get(server, "/img/a.png")[1].startswith(b"\x89PNG"))
        code, errors, log = server.stop()
        self.assertEqual((code, errors), (0, ""))
        self.assertTrue(all(entry["side"] for entry in log))

    def test_their_answers_can_be_scripted(self):
        server = Server({"turns": [], "side": {"GET /v1/models": [{"status": 401, "body": {"error": "no"}}, {"body": {"data": []}}]}})
        self.assertEqual(self.get(server, "/v1/models")[0], 401)
        self.assertEqual(self.get(server, "/v1/models"), (200, b'{"data": []}'))
        self.assertEqual(self.get(server, "/v1/models")[0], 200)
        server.stop()


if __name__ == "__main__":
    unittest.main()
