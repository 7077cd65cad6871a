from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.settings.names import flattened
from recollect.settings.toml_lines import toml_lines

DOCUMENT = '''# a comment = 1
title = "with # no = comment"
text = """
[not.a.table]
key = "not a key"
quote: \\""" and ""two"" """
literal = \'\'\'
a = 1 \'\'\'
"quoted.key" = 1
a.b . "c d" = 1_000
when = 1979-05-27 07:32:00Z

[table]   # behind it
inline = { x = 1, "y.z" = [1, 2], deep = { w = [] } }
list = [
  "one", # first
  [ "two", "three" ],

  { four = 4 },
]
[table.inner]
key = 'C:\\path'
[[tables]]
name = "first"
[[tables]]
name = "second"
[tables.below]
x = 1
'''
EXPECTED = {
    ("title",): 2,
    ("text",): 3,
    ("literal",): 7,
    ("quoted.key",): 9,
    ("a",): 10,
    ("a", "b"): 10,
    ("a", "b", "c d"): 10,
    ("when",): 11,
    ("table",): 13,
    ("table", "inline"): 14,
    ("table", "inline", "x"): 14,
    ("table", "inline", "y.z"): 14,
    ("table", "inline", "y.z", 0): 14,
    ("table", "inline", "y.z", 1): 14,
    ("table", "inline", "deep"): 14,
    ("table", "inline", "deep", "w"): 14,
    ("table", "list"): 15,
    ("table", "list", 0): 16,
    ("table", "list", 1): 17,
    ("table", "list", 1, 0): 17,
    ("table", "list", 1, 1): 17,
    ("table", "list", 2): 19,
    ("table", "list", 2, "four"): 19,
    ("table", "inner"): 21,
    ("table", "inner", "key"): 22,
    ("tables",): 23,
    ("tables", 0): 23,
    ("tables", 0, "name"): 24,
    ("tables", 1): 25,
    ("tables", 1, "name"): 26,
    ("tables", 1, "below"): 27,
    ("tables", 1, "below", "x"): 28,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_name_has_its_line(newline):
    text = DOCUMENT.replace("\n", newline)
    tomllib.loads(text)
    found = toml_lines(text)
    assert found.lines == EXPECTED
    assert found.repeated == []


def test_names_that_are_given_twice():
    text = "a = 1\n[t]\nx = 1\n'x' = 2\n[u]\n[t]\nx = { y = 1, y = 2 }\n"
    assert toml_lines(text).repeated == [
        (("t", "x"), 3, 4),
        (("t",), 2, 6),
        (("t", "x"), 3, 7),
        (("t", "x", "y"), 7, 7),
    ]


@given(st.text(alphabet="ab=[]{}\"'.,#\n\\ 1-", max_size=60))
def test_whatever_is_toml_is_read_to_its_end(text):
    found = toml_lines(text)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert found.repeated == []
    assert {name for name, _ in flattened(values)} <= set(found.lines)
