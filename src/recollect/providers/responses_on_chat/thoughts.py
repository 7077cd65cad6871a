"""A provider's signed thoughts, carried through a client that knows only OpenAI's ``encrypted_content``."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

PREFIX = "rt1."


def wrap_thoughts(blocks: list[Any]) -> str:
    """The blocks as text that a client stores and sends back without looking into it."""
    return PREFIX + base64.b64encode(orjson.dumps(blocks)).decode()


def unwrap_thoughts(text: object) -> list[Any]:
    """The blocks again; none for what is not of our making."""
    if not isinstance(text, str) or not text.startswith(PREFIX):
        return []
    try:
        blocks = orjson.loads(base64.b64decode(text.removeprefix(PREFIX), validate=True))
    except (binascii.Error, orjson.JSONDecodeError):
        return []
    return blocks if isinstance(blocks, list) else []
