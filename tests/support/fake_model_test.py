#!/usr/bin/python3
"""The fake model server, judged from outside: its own bytes, its checks and its exit code."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from http.client import BadStatusLine, HTTPConnection, IncompleteRead

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import model_checks as checks  # noqa: E402
import wire_chat  # noqa: E402

SYSTEM = {"role": "system", "content": "be brief"}
TOOLS = [{"type": "function", "function": {"name": "echo", "parameters": {"type": "object", "properties": {}}}}]


def chat(*messages, **more):
    return {"model": "m", "messages": [SYSTEM, *messages], "stream": True, **more}


def user(text="hi"):
    return {"role": "user", "content": text}


def call(identity="c1", arguments="{}"):
    return {"role": "assistant", "content": None,
            "tool_calls": [{"id": identity, "type": "function", "function": {"name": "echo", "arguments": arguments}}]}


def result(identity="c1", text="ok"):
    return {"role": "tool", "tool_call_id": identity, "content": text}


class Server:
    """The program under test, with one keep-alive client."""

    def __init__(self, script=None, *flags):
        self.dir = tempfile.TemporaryDirectory()
        self.log = os.path.join(self.dir.name, "log")
        arguments = [sys.executable, "-B", os.path.join(HERE, "fake_model.py"), "--log", self.log, *flags]
        if script is not None:
            path = os.path.join(self.dir.name, "script")
            with open(path, "w", encoding="utf-8") as out:
                json.dump(script, out)
            arguments += ["--script", path]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.client = HTTPConnection("127.0.0.1", self.port, timeout=5)

    def post(self, body, headers=None, path="/v1/chat/completions"):
        data = body if isinstance(body, bytes) else json.dumps(body)
        self.client.request("POST", path, data, headers or {})
        response = self.client.getresponse()
        return response, response.read()

    def stop(self):
        self.client.close()
        _, errors = self.process.communicate(timeout=5)
        lines = []
        if os.path.exists(self.log):
            with open(self.log, encoding="utf-8") as text:
                lines = [json.loads(line) for line in text]
        self.dir.cleanup()
        return self.process.returncode, errors, lines


def events(body):
    return [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: ") and line != "data: [DONE]"]


class Answers(unittest.TestCase):
    def test_text_comes_as_chunks_that_end_with_usage_and_done(self):
        server = Server({"turns": [{"text": "hello world", "chunk": 5}]})
        response, body = server.post(chat(user()))
        self.assertEqual(response.getheader("content-type"), "text/event-stream")
        got = events(body)
        self.assertEqual("".join(c["choices"][0]["delta"].get("content") or "" for c in got if c["choices"]), "hello world")
        self.assertEqual(got[-1]["usage"]["total_tokens"], 110)
        self.assertTrue(body.endswith(b"data: [DONE]\n\n"))
        self.assertEqual(server.stop()[0], 0)

    def test_a_request_without_stream_gets_one_document(self):
        server = Server({"turns": [{"text": "x", "tool_calls": [{"name": "echo", "args": {"a": 1}}]}]})
        _, body = server.post(chat(user(), stream=False))
        message = json.loads(body)["choices"][0]["message"]
        self.assertEqual(json.loads(message["tool_calls"][0]["function"]["arguments"]), {"a": 1})
        self.assertEqual(server.stop()[0], 0)

    def test_the_last_tool_result_can_be_echoed(self):
        server = Server({"turns": [{"text": "saw {last_tool}: {last_tool/in (.*)$/}"}]})
        _, body = server.post(chat(user(), call(), result(text="it is in here"), tools=TOOLS))
        self.assertIn("saw it is in here: here", "".join(c["choices"][0]["delta"].get("content") or "" for c in events(body) if c["choices"]))
        self.assertEqual(server.stop()[0], 0)

    def test_one_connection_serves_many_requests_and_the_log_keeps_the_bodies(self):
        server = Server({"turns": [{"text": "a"}, {"expect": {"connection": "reused", "prefix_of_previous": True}, "text": "b"}]})
        first = json.dumps({"model": "m", "messages": [SYSTEM, user()]})
        server.post(first.encode())
        server.post((first[:-2] + ", " + json.dumps({"role": "assistant", "content": "a"}) + ", " + json.dumps(user("next")) + "]}").encode())
        code, errors, log = server.stop()
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(log[0]["body"], first)
        self.assertEqual([entry["connection"] for entry in log], [1, 1])

    def test_instant_mode_plays_its_calls_by_the_history(self):
        server = Server(None, "--instant", "tools:1", "--instant-cmd", "echo {n}")
        _, body = server.post(chat(user()))
        self.assertIn(b"echo 0", body)
        _, body = server.post(json.dumps(chat(user(), call(), result(), tools=TOOLS), separators=(",", ":")).encode())
        self.assertIn(b"DONE", body)
        code, _, log = server.stop()
        self.assertEqual((code, len(log)), (0, 2))


class Faults(unittest.TestCase):
    def test_status_faults_carry_the_error_body_and_retry_after(self):
        server = Server({"turns": [{"fault": "429", "retry_after": "1"}, {"text": "ok"}]})
        response, body = server.post(chat(user()))
        self.assertEqual((response.status, response.getheader("retry-after")), (429, "1"))
        self.assertEqual(json.loads(body)["error"]["code"], "rate_limit_exceeded")
        self.assertEqual(server.post(chat(user()))[0].status, 200)
        self.assertEqual(server.stop()[0], 0)

    def test_a_cut_stream_ends_in_the_middle(self):
        server = Server({"turns": [{"fault": "cut", "bytes": 300}]})
        with self.assertRaises(IncompleteRead):
            server.post(chat(user()))
        self.assertEqual(server.stop()[0], 0)

    def test_a_stream_can_be_cut_behind_a_text_and_must_hold_it(self):
        for text, status in (("delta", 0), ("no such text", 1)):
            server = Server({"turns": [{"fault": "cut", "inside": text, "template": {"text": "hello"}}]})
            try:
                body = server.post(chat(user()))[1]
                self.assertNotIn(text.encode(), body)
            except IncompleteRead as error:
                self.assertTrue(error.partial.endswith(text.encode()))
            self.assertEqual(server.stop()[0] != 0, status != 0)

    def test_raw_bytes_go_out_as_they_are(self):
        server = Server({"turns": [{"reply": [{"raw": "HTTP/9 what\\xff\r\n\r\n"}, {"close": True}]}]})
        with self.assertRaises(BadStatusLine):
            server.post(chat(user()))
        self.assertEqual(server.stop()[0], 0)

    def test_a_reset_is_a_reset(self):
        server = Server({"turns": [{"reply": [{"rst": True}]}]})
        with self.assertRaises(ConnectionResetError):
            server.post(chat(user()))
        self.assertEqual(server.stop()[0], 0)

    def test_split_cuts_packets_without_changing_the_bytes(self):
        steps = [{"split": {"every": 7}}, {"status": 200, "headers": [["Content-Type", "text/event-stream"]]},
                 {"repeat": {"n": 3, "step": {"sse": {"event": "x", "data": {"k": "ü"}}}}}]
        server = Server({"turns": [{"reply": steps}]})
        _, body = server.post(chat(user()))
        self.assertEqual(body.decode(), 'event: x\ndata: {"k": "ü"}\n\n' * 3)
        self.assertEqual(server.stop()[0], 0)

    def test_hang_waits_for_the_client_and_notes_that_it_left(self):
        server = Server({"turns": [{"reply": [{"wait_client_close": 5000}]}]})
        raw = socket.create_connection(("127.0.0.1", server.port))
        body = json.dumps(chat(user())).encode()
        raw.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        raw.close()
        while not os.path.getsize(server.log):
            time.sleep(0.01)
        code, errors, log = server.stop()
        self.assertEqual((code, errors, log[0]["ended"]), (0, "", "closed by the client"))


class Judgement(unittest.TestCase):
    def test_a_failed_expectation_is_named_and_fails_the_run(self):
        server = Server({"turns": [{"expect": {"path": "/v1/chat/completions", "headers": {"authorization": "Bearer k"},
                                               "body": {"/messages/-1/content": {"regex": "^hi$"}, "/temperature": None}}, "text": "x"}]})
        server.post(chat(user("ho"), temperature=1))
        code, errors, _ = server.stop()
        self.assertEqual(code, 1)
        for part in ("authorization: absent", "regex '^hi$'", "/temperature: present"):
            self.assertIn(part, errors)

    def test_a_breach_of_the_wire_is_answered_with_400(self):
        server = Server({"turns": [{"text": "x"}]})
        response, body = server.post(chat(user(), call(), user(), tools=TOOLS))
        self.assertEqual(response.status, 400)
        self.assertIn("no result", json.loads(body)["error"]["message"])
        self.assertEqual(server.stop()[0], 1)

    def test_an_unplayed_turn_and_an_extra_request_fail_the_run(self):
        server = Server({"turns": [{"text": "x"}]})
        self.assertIn("only 0 of 1", server.stop()[1])
        server = Server({"turns": []})
        self.assertEqual(server.post(chat(user()))[0].status, 500)
        self.assertIn("only 0 turns", server.stop()[1])

    def test_a_loop_answers_for_ever(self):
        server = Server({"turns": [], "loop": {"text": "again"}})
        for _ in range(5):
            self.assertIn(b"again", server.post(chat(user()))[1])
        self.assertEqual(server.stop()[0], 0)

    def test_the_rules_of_the_chat_wire(self):
        good = chat(user(), call("a"), result("a"), call("b"), result("b"), tools=TOOLS)
        self.assertEqual(wire_chat.check(good), [])
        bad = {
            "once, first": {"model": "m", "messages": [user(), SYSTEM]},
            "not the next open call": chat(user(), result("zz"), tools=TOOLS),
            "used twice": chat(user(), call("a"), result("a"), call("a"), result("a"), tools=TOOLS),
            "arguments": chat(user(), call("a", "{"), result("a"), tools=TOOLS),
            "duplicate member": chat(user(), call("a", '{"x":1,"x":2}'), result("a"), tools=TOOLS),
            "have no result": chat(user(), call("a"), tools=TOOLS),
            "empty assistant": chat(user(), {"role": "assistant", "content": ""}, user()),
            "last message": chat(user(), {"role": "assistant", "content": "x"}),
            "unknown parameter": chat(user(), frobnicate=1),
            "calls without 'tools'": chat(user(), call("a"), result("a")),
            "empty array": chat(user(), tools=[]),
        }
        for part, body in bad.items():
            self.assertTrue(any(part in finding for finding in wire_chat.check(body)), (part, wire_chat.check(body)))

    def test_bytes_that_no_server_takes(self):
        for raw in (b'"\xff"', b'"\\u0000"', b'"\\ud83d"', b'"\\ude00\\ud83d"', b'"\\\\\\ud83d x"'):
            self.assertTrue(checks.check_bytes(raw), raw)
        for raw in (b'"\\ud83d\\ude00"', b'"\\\\ud83d"', b'"\\\\u0000"', "ü".encode()):
            self.assertFalse(checks.check_bytes(raw), raw)

    def test_prefixes_ignore_only_the_closing_brackets(self):
        self.assertTrue(checks.extends(b'{"messages":[{"a":1}]}', b'{"messages":[{"a":1},{"b":2}]}'))
        self.assertFalse(checks.extends(b'{"messages":[{"a":1}],"x":1}', b'{"messages":[{"a":1},{"b":2}],"x":1}'))


if __name__ == "__main__":
    unittest.main()
