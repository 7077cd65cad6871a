"""A JSON document keeps its text, and splices."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.errors import InvalidRequestError
from recollect.wire.json_document import Edit, JsonDocument, cut_members, json_string


def test_unchanged_document_is_the_very_bytes_it_was_read_from() -> None:
    body = b' {"a" : 1.0e+2 , "b":[ ] }\n'
    assert JsonDocument.parse(body).splice([]) is body


def test_members_know_where_they_stand() -> None:
    document = JsonDocument.parse(b'{"a": [1, 2],  "b" : "x"}')
    member = document.members[1]
    assert (member.key, member.value) == ("b", "x")
    assert document.text[member.start : member.value_start] == '"b" : '
    assert document.text[member.value_start : member.value_end] == '"x"'


def test_elements_know_where_they_stand() -> None:
    document = JsonDocument.parse(b'{"messages": [ {"role":"user"} , {"role" : "tool"} ], "stop": ["a" , "b"]}')
    place = document.member("messages")
    assert place is not None
    assert [document.text[e.start : e.end] for e in document.elements(place.value_start)] == [
        '{"role":"user"}',
        '{"role" : "tool"}',
    ]
    stop = document.member("stop")
    assert stop is not None
    assert [e.value for e in document.elements(stop.value_start)] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "rest"),
    [
        (b'{"own": 1}', b"{}"),
        (b'{"own": 1, "own": 2}', b"{}"),
        (b'{"own": 1, "a": 2}', b'{"a": 2}'),
        (b'{"a": 2, "own": 1}', b'{"a": 2}'),
        (b'{"a": 2 , "own" : 1 , "b":3}', b'{"a": 2 , "b":3}'),
        (b'{"own":0,"a": 2,"own":1,"own2":3,"own":[{}]}', b'{"a": 2}'),
        (b'{\n "own": "}",\n "a": 1\n}', b'{\n "a": 1\n}'),
    ],
)
def test_cut_members_leave_a_valid_object(body: bytes, rest: bytes) -> None:
    document = JsonDocument.parse(body)
    assert document.splice(cut_members(document.members, {"own", "own2"})) == rest


def test_what_is_not_touched_stays_byte_for_byte() -> None:
    body = (
        b'\xef\xbb\xbf{"model":"a", "big": 123456789012345678901234567890, "f":1.10, "e":"\\u00e9\\/\\ud83d",'
        b'\t"dup":1,"dup": 2, "u":"\xc3\xa9", "s":0}'
    )
    document = JsonDocument.parse(body)
    place = document.member("model")
    assert place is not None
    edited = document.splice([Edit(place.value_start, place.value_end, '"b"')])
    assert edited == body.replace(b'"a"', b'"b"', 1)


def test_integers_longer_than_python_takes_are_kept() -> None:
    digits = b"9" * 5000
    document = JsonDocument.parse(b'{"n": [' + digits + b'], "own": 1}')
    assert document.splice(cut_members(document.members, {"own"})) == b'{"n": [' + digits + b"]}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "line 1, column 1"),
        (b"nonsense", "line 1, column 1"),
        (b'{"a": }', "column 7"),
        (b'{"a" 1}', "':'"),
        (b'{"a": 1,}', "property name"),
        (b'{"a": 1 "b"}', "','"),
        (b'{"a": 1} x', "Extra data"),
        (b'{"messages": [{} {}]}', "','"),
        (b'{"messages": [{},]}', "column 18"),
        (b'{"a": "unterminated', "Unterminated"),
        (b'{"a": "line\nbreak"}', "control character"),
        (b'{\n"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": ' + b"9" * 5000 + b", x}", "property name"),
        (b'{"a": [' + b"9" * 5000 + b", x]}", "Expecting value"),
        (b"[1]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"a": "\xff"}', "UTF-8 (byte 7)"),
        (b'{"a": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"a": ' + b'{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_place(body: bytes, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        JsonDocument.parse(body)
    assert caught.value.code == "invalid_json"
    assert said in caught.value.message


def test_of_duplicate_keys_the_last_counts() -> None:
    document = JsonDocument.parse(b'{"a": 1, "a": 2}')
    member = document.member("a")
    assert document.get("a") == 2
    assert member is not None
    assert member.value == 2
    assert document.member("b") is None


def test_overlapping_edits_are_refused() -> None:
    document = JsonDocument.parse(b'{"a": 1}')
    with pytest.raises(ValueError, match="overlap"):
        document.splice([Edit(0, 4, ""), Edit(2, 3, "")])


def test_insertions_at_one_place_keep_their_order() -> None:
    document = JsonDocument.parse(b'{"a": ""}')
    assert document.splice([Edit(7, 7, "x"), Edit(7, 7, "y")]) == b'{"a": "xy"}'


@pytest.mark.parametrize("text", ["plain", 'q"\\\n\t\x00\x1f\x7f', "é✓😀\u2028", "</script>"])
def test_a_literal_reads_back_as_its_text(text: str) -> None:
    assert json.loads(json_string(text)) == text


def test_lone_surrogates_become_replacement_characters() -> None:
    assert json_string("a\ud800b").encode() == '"a\ufffdb"'.encode()


NAMES = st.sampled_from(["model", "mod\\u0065l", "other", 'mo"del', "messages"])
VALUES = st.recursive(
    st.sampled_from(["model", '"model"', "a", 1, None, "é"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["model", "x"]), inner, max_size=2),
    max_leaves=6,
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=5), st.booleans())
def test_a_member_is_found_alone_where_it_would_be_found_among_all(members, is_spaced):
    space = " \n" if is_spaced else ""
    texts = []
    for name, value in members:
        key = f'"{name}"' if "\\u" in name else json.dumps(name)
        texts.append(f"{space}{key}{space}:{space}{json.dumps(value, ensure_ascii=False)}")
    body = ("{" + ",".join(texts) + space + "}").encode()
    found, whole = JsonDocument.parse(body), JsonDocument.parse(body)
    assert list(found.named("model")) == [member for member in whole.members if member.key == "model"]
    assert found.may_hold("model") or not whole.values.keys() & {"model"}


def test_integers_of_any_size_are_read_exactly_where_that_is_asked_for():
    body = b'{"n": 123456789012345678901234567890}'
    assert JsonDocument.parse_exactly(body).get("n") == 123456789012345678901234567890
    assert JsonDocument.parse(body).exact_values == JsonDocument.parse_exactly(body).values
