"""Memories beside a reply."""

from __future__ import annotations

import pytest

from recollect.wire.verbose import add_memories


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"id": "x", "n": 1.0 }', b'{"id": "x", "n": 1.0 ,"metadata":{"memories":[1]}}'),
        (b'{"id": "x"}\n', b'{"id": "x","metadata":{"memories":[1]}}\n'),
        (b"{}", b'{"metadata":{"memories":[1]}}'),
        (b'{"metadata": null, "id": 1}', b'{"metadata": {"memories":[1]}, "id": 1}'),
        (b'{"metadata": {}}', b'{"metadata": {"memories":[1]}}'),
        (b'{"metadata": {"a": "}"}}', b'{"metadata": {"a": "}","memories":[1]}}'),
        (b'{"metadata": {"memories": 0}}', b'{"metadata": {"memories": 0}}'),
        (b'{"metadata": 5}', b'{"metadata": 5}'),
        (b"<html>", b"<html>"),
        (b"[1]", b"[1]"),
    ],
)
def test_memories_are_spliced_in(body: bytes, shown: bytes) -> None:
    assert add_memories(body, "[1]") == shown
