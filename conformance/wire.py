"""Every way of writing a reply, and every surface, as bytes: what the client gets and what the provider received."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from recollect.testing.scripted_provider import Script
from recollect.wire.content_coding import decode_copy

if TYPE_CHECKING:
    from conformance.verdicts import Verdicts
    from recollect.testing.scripted_provider import ScriptedProvider

TEXT = "Zoë lives in Göttingen ✓ 你好 🎉, and she sends her best wishes."
SCRIPTS: dict[str, Script] = {
    "plain": Script(),
    "gzip": Script(encoding="gzip"),
    "br": Script(encoding="br"),
    "zstd": Script(encoding="zstd"),
    "deflate": Script(encoding="deflate"),
    "crlf": Script(line_end="\r\n"),
    "cr": Script(line_end="\r"),
    "comments": Script(has_comments=True),
    "no [DONE]": Script(has_done=False),
    "no space": Script(has_spaces=False),
    "one piece": Script(pieces=1),
    "a byte a piece": Script(pieces=60),
    "broken off": Script(cut_after=3),
    "another content type": Script(content_type="application/x-vendor"),
    "error in a 200": Script(raw=b'{"error": {"message": "failed", "code": 502}}'),
    "page for an error": Script(raw=b"<html>Bad Gateway</html>", status=502, content_type="text/html"),
    "429": Script(status=429, headers=(("retry-after", "1"), ("retry-after-ms", "50"), ("x-should-retry", "true"))),
    "500": Script(status=500, headers=(("x-should-retry", "false"),)),
}
BROKEN_CHARACTERS = 150
ASKED = "Where does my cousin Zoë live?"
BODIES: dict[str, dict[str, Any]] = {
    "chat/completions": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": ASKED}], "seed": 1.50},
    "responses": {"model": "gpt-4o-mini", "input": [{"role": "user", "content": ASKED}], "vendor": {"a": [None, 1e3]}},
}
_numbers = re.compile(rb"(scripted_|\"created(?:_at)?\": ?)\d+")
_block = re.compile(rb"<memory-([0-9a-f]+)>.*?</memory-\1>\\n\\n")


def wire_verdicts(base_url: str, provider: ScriptedProvider) -> Verdicts:
    """A fingerprint per surface and script."""
    found: Verdicts = {}
    for path, body in BODIES.items():
        for is_streamed in (False, True):
            for name, script in SCRIPTS.items():
                provider.then(_speaking(script))
                sent = json.dumps({**body, "stream": is_streamed}, indent=1).encode()
                reply = _exchange(f"{base_url}/{path}", sent)
                received = _block.sub(b"", provider.last.body)
                seen = json.dumps([reply, received.decode()]).encode()
                found[f"{path} {'stream' if is_streamed else 'whole'}: {name}"] = hashlib.sha256(seen).hexdigest()
    return found


def _speaking(script: Script) -> Script:
    return Script(**{**{field: getattr(script, field) for field in script.__dataclass_fields__}, "text": TEXT})


def _exchange(url: str, body: bytes) -> list[object]:
    """Status, the headers that SDKs read, whether the body came whole, and the body decoded, but for its numbers.

    Of a body that broke off the beginning counts: how much of it arrived is chance, also without a gateway.
    """
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
    head = {"content-type": "application/json", "authorization": "Bearer none", "accept-encoding": "gzip, br, zstd"}
    try:
        connection.request("POST", target.path, body, head)
        reply = connection.getresponse()
        try:
            received, is_whole = reply.read(), True
        except http.client.IncompleteRead as error:
            received, is_whole = error.partial, False
    finally:
        connection.close()
    names = (
        "content-type",
        "content-encoding",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "openai-processing-ms",
    )
    decoded = decode_copy([received], reply.headers.get("content-encoding", ""), limit=1 << 24)
    headers = [reply.headers.get(name) for name in names]
    text = _numbers.sub(rb"\1N", decoded).decode("utf-8", "replace")
    return [reply.status, headers, is_whole, text if is_whole else text[:BROKEN_CHARACTERS]]
