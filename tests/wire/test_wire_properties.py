"""What must hold for any request and any stream."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import brotli
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.errors import InvalidRequestError
from recollect.wire.content_coding import decode_copy
from recollect.wire.dialects import DIALECTS
from recollect.wire.headers import OWN_BODY_FIELDS
from recollect.wire.json_document import Edit, JsonDocument, cut_members, json_string
from recollect.wire.memory_block import BlockEntry, render_block, strip_blocks
from recollect.wire.prompt import PromptEdit
from recollect.wire.sse import SseDecoder, SseEvent

thoroughly = settings(max_examples=80, deadline=None, database=None)

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
OWN_KEYS = st.sampled_from(sorted(OWN_BODY_FIELDS))
PART_TYPES = {"chat/completions": "text", "responses": "input_text"}


@st.composite
def spellings(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> bytes:
    """A value as some client spells it: other spaces, other escapes."""
    indent = draw(st.none() | st.integers(0, 3))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "\r\n: ")]))
    text = json.dumps(draw(values), ensure_ascii=draw(st.booleans()), indent=indent, separators=separators)
    return (draw(st.sampled_from(["", " ", "\ufeff", "\n\t"])) + text + draw(st.sampled_from(["", "\n"]))).encode()


def as_json(body: bytes) -> Any:
    return json.loads(body.decode("utf-8-sig"))


@st.composite
def messages(draw: st.DrawFn) -> dict[str, object]:
    part = st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}) | st.fixed_dictionaries(
        {"type": st.sampled_from(["image_url", "file", "tomorrow"])}, optional={"extra": VALUES}
    )
    message = draw(st.dictionaries(TEXT, VALUES, max_size=3))
    message.pop("memory", None)
    message["role"] = draw(st.sampled_from(["system", "developer", "user", "assistant", "tool", "critic"]))
    message["content"] = draw(st.none() | TEXT | st.lists(part, max_size=3))
    message.pop("type", None)
    keys = draw(st.permutations(sorted(message)))
    return {key: message[key] for key in keys}


def bodies(key: str) -> st.SearchStrategy[dict[str, object]]:
    return st.tuples(
        st.dictionaries(TEXT.filter(lambda name: name not in OWN_BODY_FIELDS), VALUES, max_size=4),
        st.lists(messages(), max_size=5),
        st.dictionaries(OWN_KEYS, VALUES, max_size=3),
    ).map(lambda parts: {**parts[2], **parts[0], key: parts[1]})


CHAT_BODIES = spellings(bodies("messages"))
RESPONSES_BODIES = spellings(bodies("input"))


@thoroughly
@given(spellings(st.dictionaries(TEXT | OWN_KEYS, VALUES, max_size=8)))
def test_any_object_reaches_out_equal_outside_our_fields(body: bytes) -> None:
    document = JsonDocument.parse(body)
    original = as_json(body)
    assert document.values == original
    rest = as_json(document.splice(cut_members(document.members, OWN_BODY_FIELDS)))
    assert rest == {key: value for key, value in original.items() if key not in OWN_BODY_FIELDS}
    assert list(rest) == [key for key in original if key not in OWN_BODY_FIELDS]


@thoroughly
@given(CHAT_BODIES)
def test_a_chat_request_without_an_edit_loses_our_fields_alone(body: bytes) -> None:
    sent = DIALECTS["chat/completions"].edit(JsonDocument.parse(body), PromptEdit())
    assert as_json(sent) == {key: value for key, value in as_json(body).items() if key not in OWN_BODY_FIELDS}


def holds_only_the_blocks(dialect: str, body: bytes, block: str) -> None:
    """Taking the inserted bytes out again gives the bytes that were there before."""
    document = JsonDocument.parse(body)
    prompt = DIALECTS[dialect].read(document)
    holders = [index for index, found in enumerate(prompt.utterances) if found.can_hold_block]
    before = DIALECTS[dialect].edit(document, PromptEdit())
    after = DIALECTS[dialect].edit(document, PromptEdit(blocks=dict.fromkeys(holders, block)))
    inserted = json_string(block + "\n\n")[1:-1].encode()
    part = f'{{"type":"{PART_TYPES[dialect]}","text":{json_string(block)}}},'.encode()
    assert after.count(b"<block>") == len(holders)
    assert after.replace(part, b"").replace(inserted, b"") == before


@thoroughly
@given(CHAT_BODIES)
def test_blocks_are_all_that_a_chat_request_gains(body: bytes) -> None:
    holds_only_the_blocks("chat/completions", body.replace(b"<block>", b""), 'a "<block>" \\ é\n')


@thoroughly
@given(RESPONSES_BODIES)
def test_blocks_are_all_that_a_responses_request_gains(body: bytes) -> None:
    try:
        holds_only_the_blocks("responses", body.replace(b"<block>", b""), 'a "<block>" \\ é\n')
    except InvalidRequestError as error:
        assert error.param is not None  # noqa: PT017 - an item of a kind that needs other content


BLOCKS = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}, optional={"cache_control": VALUES})
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["image", "document", "tool_result"])}, optional={"extra": VALUES}
    ),
    max_size=4,
)
ANTHROPIC_BODIES = spellings(
    st.tuples(
        st.dictionaries(TEXT.filter(lambda name: name not in OWN_BODY_FIELDS), VALUES, max_size=3),
        st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["user", "user", "assistant"]), "content": TEXT | BLOCKS},
                optional={"cache_control": VALUES},
            ),
            max_size=5,
        ),
        st.fixed_dictionaries({}, optional={"system": TEXT | st.just([{"type": "text", "text": "s"}])}),
    ).map(lambda parts: {**parts[0], **parts[2], "messages": parts[1]})
)


@thoroughly
@given(ANTHROPIC_BODIES)
def test_blocks_are_all_that_a_messages_request_gains(body: bytes) -> None:
    """A string becomes two blocks of text; everything else keeps its bytes."""
    body, block = body.replace(b"<block>", b""), 'a "<block>" \\ é\n'
    document = JsonDocument.parse(body)
    prompt = DIALECTS["messages"].read(document)
    holders = [index for index, found in enumerate(prompt.utterances) if found.can_hold_block]
    before = as_json(body)
    sent = DIALECTS["messages"].edit(document, PromptEdit(blocks=dict.fromkeys(holders, block)))
    inserted = f'{{"type":"text","text":{json_string(block)}}},'.encode()
    users = [index for index in holders if prompt.utterances[index].role == "user"]
    assert sent.count(inserted) == len(users)
    if all(not isinstance(message["content"], str) for message in before["messages"]):
        assert sent.replace(inserted, b"") == body
    after = as_json(sent)
    for message, original in zip(after["messages"], before["messages"], strict=True):
        rest = [part for part in message["content"] if not isinstance(part, dict) or part.get("text") != block]
        whole = original["content"]
        shortened = [{"type": "text", "text": whole}] if isinstance(whole, str) else whole
        assert whole == message["content"] or (rest == shortened and {**message, "content": whole} == original)


@thoroughly
@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=6), st.data())
def test_replacing_members_equals_parsing_again(original: dict[str, object], data: st.DataObject) -> None:
    document = JsonDocument.parse(data.draw(spellings(st.just(original))))
    chosen = data.draw(st.dictionaries(st.sampled_from(sorted(original)), VALUES, max_size=4))
    edits = [
        Edit(member.value_start, member.value_end, json.dumps(chosen[member.key]))
        for member in document.members
        if member.key in chosen
    ]
    assert as_json(document.splice(edits)) == {**original, **chosen}


@thoroughly
@given(
    st.sampled_from(sorted(DIALECTS)),
    st.dictionaries(st.sampled_from(["messages", "input", "prompt", "instructions", "system"]), VALUES),
)
def test_any_object_is_read_or_refused_by_name(dialect: str, body: dict[str, object]) -> None:
    document = JsonDocument.parse(json.dumps(body).encode())
    try:
        prompt = DIALECTS[dialect].read(document)
    except InvalidRequestError as error:
        assert error.param  # noqa: PT017 - either outcome is right
    else:
        for found in prompt.utterances:
            found.text.encode()


@thoroughly
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0 1eE.-ntf', max_size=40).map(str.encode))
def test_any_bytes_are_a_document_or_are_refused(body: bytes) -> None:
    try:
        document = JsonDocument.parse(body)
    except InvalidRequestError as error:
        assert error.code == "invalid_json"  # noqa: PT017 - either outcome is right
    else:
        assert document.values == as_json(body)


LINES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
EVENT_NAMES = st.sampled_from(["message", "ping", "response.completed"])


@thoroughly
@given(
    st.lists(
        st.tuples(EVENT_NAMES, st.lists(LINES, min_size=1, max_size=3), st.sampled_from(["\n", "\r\n", "\r"])),
        max_size=5,
    ),
    st.lists(st.integers(0, 300), max_size=6),
)
def test_a_stream_gives_the_same_events_wherever_it_is_cut(
    sent: list[tuple[str, list[str], str]], cuts: list[int]
) -> None:
    stream = b"".join(
        end.join([f"event: {name}", ": comment", *(f"data: {line}" for line in lines), "", ""]).encode()
        for name, lines, end in sent
    )
    decoder = SseDecoder()
    events: list[SseEvent] = []
    last = 0
    for cut in [*sorted(cut for cut in cuts if cut <= len(stream)), len(stream)]:
        events += decoder.feed(stream[last:cut])
        last = cut
    assert events + decoder.flush() == [SseEvent(name, "\n".join(lines)) for name, lines, _ in sent]


@thoroughly
@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.integers(1, 20))
def test_a_compressed_copy_decodes_in_any_pieces(raw: bytes, encoding: str, size: int) -> None:
    encoders = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
    packed = encoders[encoding](raw)
    assert decode_copy([packed[at : at + size] for at in range(0, len(packed), size)], encoding) == raw


@thoroughly
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["memory", "summary", "passage", "recent"]), TEXT, TEXT | st.just("</memory-00000000>")
        ),
        min_size=1,
    ),
    TEXT,
)
def test_a_block_is_always_recognised_and_never_broken(quoted: list[tuple[Any, str, str]], question: str) -> None:
    moment = datetime(2024, 5, 1, tzinfo=UTC)
    entries = [BlockEntry(kind, speaker, text, moment) for kind, speaker, text in quoted]
    block = render_block(entries, nonce="00000000", timezone=UTC, has_instructions=True)
    assert block.count("</memory-") == 1
    assert strip_blocks(f"{question}\n\n{block}") == question
    assert strip_blocks(f"{block}\n\n{question}") == question
