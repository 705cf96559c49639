#!/usr/bin/python3
"""Tests of documented.py: a check that cannot fail proves nothing."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).with_name("documented.py")
DOCUMENT = r"""# Title
## Object
Prose.

| key | value |
|---|---|
| `name`, `size` | plain |
| `any?` | `*`: what it likes |
| `usage` | `{input, cost?}`: tokens \| money |
| `by_layer` | `{*: {state}}` |
| `calls` | `[{call, refused}]` |

## Lines

| event | members |
|---|---|
| `*` | `{event}` |
| `begin` | `{at}` |
| `end` | `{code?}` |

## Nothing here
"""
WHOLE = '{"name":1,"size":1,"any":{"x":1},"usage":{"input":1,"cost":1},"by_layer":{"a":{"state":1}},"calls":[{"call":1,"refused":1}]}'
PLAIN = '{"name":1,"size":1,"usage":{"input":1},"by_layer":{},"calls":[]}'


class DocumentedTest(unittest.TestCase):
    def run_program(self, *arguments: str, objects: str = "") -> tuple[int, str]:
        with tempfile.NamedTemporaryFile("w", suffix=".md") as document:
            document.write(DOCUMENT)
            document.flush()
            done = subprocess.run([sys.executable, PROGRAM, arguments[0], document.name, *arguments[1:]], input=objects,
                                  capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def check(self, *objects: str) -> str:
        code, text = self.run_program("check", "Object", objects="\n".join(objects))
        self.assertEqual(code, 1 if text else 0)
        return text.strip()

    def test_objects_that_together_show_every_member_pass(self) -> None:
        self.assertEqual(self.check(WHOLE, PLAIN), "")

    def test_a_member_that_the_table_lacks_is_named_at_every_depth(self) -> None:
        self.assertEqual(self.check(WHOLE, PLAIN.replace('"size"', '"new":1,"size"')), "new: not in the document")
        self.assertEqual(self.check(WHOLE, PLAIN.replace('"input"', '"new":1,"input"')), "usage.new: not in the document")
        self.assertEqual(self.check(WHOLE.replace('"refused"', '"new":1,"refused"'), PLAIN), "calls[].new: not in the document")
        self.assertEqual(self.check(WHOLE.replace('"state"', '"new":1,"state"'), PLAIN), "by_layer.*.new: not in the document")

    def test_a_member_that_no_object_has_is_named(self) -> None:
        self.assertEqual(self.check(WHOLE.replace('"size":1,', ""), PLAIN.replace('"size":1,', "")), "size: in the document, and in no object")
        self.assertIn("calls[]: never seen", self.check(PLAIN))

    def test_what_is_not_always_there_is_marked_and_nothing_else(self) -> None:
        self.assertEqual(self.check(WHOLE, PLAIN.replace('"size":1,', "")), "size: not always there, and not marked with ?")
        self.assertEqual(self.check(WHOLE), "any: marked with ?, and in every object\nusage.cost: marked with ?, and in every object")

    def test_members_below_a_plain_value_are_a_finding(self) -> None:
        self.assertIn("size: has members", self.check(WHOLE.replace('"size":1', '"size":{"x":1}'), PLAIN))
        self.assertIn("size: has members", self.check(WHOLE.replace('"size":1', '"size":[{"x":1}]'), PLAIN))

    def test_lines_are_told_apart_by_a_member(self) -> None:
        def lines(*objects: str) -> tuple[int, str]:
            return self.run_program("check", "Lines", "--by", "event", objects="\n".join(objects))
        begin, end, coded = '{"event":"begin","at":1}', '{"event":"end"}', '{"event":"end","code":1}'
        self.assertEqual(lines(begin, end, coded), (0, ""))
        self.assertEqual(lines(begin), (1, "end: in the document, and in no object\n"))
        self.assertEqual(lines(begin, end, coded, '{"event":"pause"}'), (1, "pause: not in the document\n"))
        self.assertEqual(lines(begin, end, coded, '{"event":"begin"}'), (1, "begin.at: not always there, and not marked with ?\n"))

    def test_nothing_to_look_at_is_no_success(self) -> None:
        self.assertEqual(self.run_program("check", "Object")[0], 1)
        self.assertEqual(self.run_program("check", "Nowhere", objects=PLAIN), (1, "0 headings 'Nowhere'\n"))
        self.assertEqual(self.run_program("check", "Nothing here", objects=PLAIN), (1, "no table below 'Nothing here'\n"))


if __name__ == "__main__":
    unittest.main()
