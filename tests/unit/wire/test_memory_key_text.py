"""Memory keys as clients send them."""

from __future__ import annotations

import hashlib

import pytest

from recollect.domain.keys import MemoryMode
from recollect.errors import AuthenticationError
from recollect.wire.memory_key import digest, find_memory_key, new_secret, parse_memory_key

SECRET = "mk_" + "aB3-_" * 8 + "xyz"


def test_a_new_secret_is_a_key() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    found = parse_memory_key(first)
    assert found is not None
    assert (found.secret, found.mode) == (first, None)


def test_the_digest_is_of_the_secret_alone() -> None:
    found = parse_memory_key(f"{SECRET}:read")
    assert found is not None
    assert digest(found.secret) == hashlib.sha256(SECRET.encode()).digest()


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        (":read", MemoryMode.READ),
        (":write", MemoryMode.WRITE),
        (":off", MemoryMode.OFF),
        (":shadow", MemoryMode.SHADOW),
        (":on", MemoryMode.FULL),
        (":full", MemoryMode.FULL),
        (":READ", MemoryMode.READ),
        ("", None),
    ],
)
def test_suffixes_name_a_mode(suffix: str, mode: MemoryMode | None) -> None:
    found = parse_memory_key(SECRET + suffix)
    assert found is not None
    assert found.mode is mode


@pytest.mark.parametrize("text", [f"{SECRET}:", f"{SECRET}:rea", f"{SECRET}:read:off", f"{SECRET}x", "mk_", "mk_short"])
def test_malformed_keys_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        parse_memory_key(text)
    assert text[3:] == "" or text[3:] not in caught.value.message


def test_other_keys_are_none_of_ours() -> None:
    assert parse_memory_key("sk-proj-abc") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-memory-key", SECRET),
        (b"X-Memory-Key", f"Bearer {SECRET}"),
        (b"x-recallr-api-key", SECRET),
        (b"authorization", f"Bearer {SECRET}"),
        (b"authorization", f"bearer  {SECRET}"),
        (b"x-api-key", SECRET),
        (b"api-key", SECRET),
    ],
)
def test_a_key_is_found_where_clients_put_it(name: bytes, value: str) -> None:
    found = find_memory_key(((b"accept", b"*/*"), (name, value.encode())))
    assert found is not None
    assert (found.secret, found.header) == (SECRET, name.decode().lower())


def test_our_own_header_leaves_authorization_to_the_provider() -> None:
    headers = ((b"authorization", b"Bearer sk-provider"), (b"x-memory-key", SECRET.encode()))
    found = find_memory_key(headers)
    assert found is not None
    assert found.header == "x-memory-key"


def test_a_providers_key_is_no_memory_key() -> None:
    assert find_memory_key(((b"authorization", b"Bearer sk-provider"), (b"api-key", b"abc"))) is None
    assert find_memory_key(()) is None
    assert find_memory_key(((b"x-memory-key", b" "),)) is None


@pytest.mark.parametrize("name", [b"x-memory-key", b"x-recallr-api-key"])
def test_our_own_headers_take_nothing_else(name: bytes) -> None:
    with pytest.raises(AuthenticationError) as caught:
        find_memory_key(((name, b"rai-123"),))
    assert "mk_" in caught.value.message
    assert caught.value.param == name.decode()
    assert "rai-123" not in caught.value.message


def test_a_parsed_key_does_not_show_its_secret() -> None:
    assert SECRET not in repr(parse_memory_key(SECRET))
