"""What becomes of a request when its provider fails, in each dialect: observed with the SDKs, and written as a page.

``python -m tests.e2e.fault_matrix`` writes ``docs/reference/faults.md`` anew; a test holds it to what it observes.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anthropic
import openai

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script, ScriptedProvider
from tests.docs.pages import DOCS
from tests.e2e import dialect_speakers as speakers
from tests.e2e.gateway_process import GatewayProcess, free_port
from tests.e2e.vaults import call, users

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = DOCS / "reference" / "faults.md"
QUESTION, ANSWER = "How late is it?", "It is late, and getting later."
LONG = "x" * 1_000_000
DIALECTS = ("chat", "responses", "messages")
QUICK = {
    "RECOLLECT_RETRIES_BASE_S": "0.01",
    "RECOLLECT_RETRIES_LONGEST_RETRY_AFTER_S": "1",
    "RECOLLECT_LIMITS_HEAD_TIMEOUT_S": "1",
    "RECOLLECT_LIMITS_IDLE_TIMEOUT_S": "1",
}
HEADER = "x-memory-upstream"

SDK_ERRORS = (openai.OpenAIError, anthropic.AnthropicError, json.JSONDecodeError)


@dataclass(frozen=True)
class Fault:
    """One way to fail, for a plain reply and for a streamed one; ``model`` where another provider is asked."""

    plain: Script
    streamed: Script | None = None
    provider: str = ""
    text: str = ANSWER


FAULTS: dict[str, Fault] = {
    "none": Fault(Script(text=ANSWER)),
    "refuses the connection": Fault(Script(), provider="nobody"),
    "resets the connection": Fault(Script(is_reset=True)),
    "hangs before the head": Fault(Script(hang="before_head")),
    "hangs after the head": Fault(Script(text=ANSWER, hang="after_head")),
    "429, no `Retry-After`": Fault(Script(status=429)),
    "429, `Retry-After: 0`": Fault(Script(status=429, headers=(("retry-after", "0"),))),
    "429, `Retry-After: 60`": Fault(Script(status=429, headers=(("retry-after", "60"),))),
    "500": Fault(Script(status=500)),
    "malformed JSON": Fault(
        Script(raw=b'{"id": "x", "choices": [{'),
        Script(raw=b'event: message_start\ndata: {"id": "x", "choices": [{\n\n', content_type="text/event-stream"),
    ),
    "breaks off in the middle": Fault(Script(text=ANSWER, cut_after=6, delay_s=0.01)),
    "is slow": Fault(Script(text=ANSWER, delay_s=0.2)),
    "wrong content type": Fault(Script(raw=b"<html>Please log in.</html>", content_type="text/html")),
    "a line of 1 MB": Fault(Script(text=LONG, pieces=1), text=LONG),
}


@dataclass
class Seen:
    """What came of one request."""

    outcome: str = ""
    tried: list[str] = field(default_factory=list)
    stored: str = ""

    @property
    def tries(self) -> str:
        """How often the provider was asked."""
        return str(len(self.tried)) if self.tried else "1"


@dataclass
class Rig:
    """A gateway, and the provider that fails behind it."""

    gateway: GatewayProcess
    provider: ScriptedProvider

    def observe(self, name: str, dialect: str, *, is_streamed: bool) -> Seen:
        """Ask once, with an SDK that does not try again."""
        fault = FAULTS[name]
        self.provider.script = (fault.streamed if is_streamed else None) or fault.plain
        user = f"{name} {dialect} {is_streamed}"
        seen = Seen()
        _ask(self, fault, dialect, seen, {"X-Memory-User": quote(user)}, is_streamed=is_streamed)
        seen.stored = self._stored(quote(user), fault)
        return seen

    def _stored(self, user: str, fault: Fault) -> str:
        if user not in users(self.gateway):
            return "nothing"
        (session,) = call(self.gateway, "GET", f"sessions?user={quote(user, safe='')}")["data"]
        path = f"sessions/{quote(session['id'], safe='')}/messages?user={quote(user, safe='')}"
        said = [one for one in call(self.gateway, "GET", path)["data"] if one["role"] == "assistant"]
        if not said:
            return "the question"
        if said[0]["is_partial"]:
            return "both, the reply as partial"
        return "both" if said[0]["text"] == fault.text else "both, the reply as it was read"


def _ask(rig: Rig, fault: Fault, dialect: str, seen: Seen, headers: dict[str, str], *, is_streamed: bool) -> None:
    provider = fault.provider or ("anthropic" if dialect == "messages" else "openai")
    make = speakers.anthropic_client if dialect == "messages" else speakers.openai_client
    with make(rig.gateway.url, rig.gateway.admin_key, headers) as client:
        try:
            text = _call(client, dialect, f"{provider}/m", seen, is_streamed=is_streamed)
        except SDK_ERRORS as error:
            seen.outcome += _told(error)
            reply = getattr(error, "response", None)
            if reply is not None:
                seen.tried = reply.headers.get(HEADER, "").split(", ")
                seen.outcome += " ⊘" if reply.headers.get("x-should-retry") == "false" else ""
        except httpx.TransportError as error:
            seen.outcome += f"`{type(error).__name__}`"
        else:
            seen.outcome = "the answer" if text == fault.text else text


def _call(client: Any, dialect: str, model: str, seen: Seen, *, is_streamed: bool) -> str:
    turns: list[Any] = [{"role": "user", "content": QUESTION}]
    asked: dict[str, Any] = {"model": model, "stream": is_streamed}
    if dialect == "chat":
        raw = client.chat.completions.with_raw_response.create(messages=turns, **asked)
    elif dialect == "responses":
        raw = client.responses.with_raw_response.create(input=QUESTION, **asked)
    else:
        raw = client.messages.with_raw_response.create(messages=turns, max_tokens=99, **asked)
    seen.tried = raw.headers.get(HEADER, "").split(", ")
    reply = raw.parse()
    if is_streamed:
        return _read_stream(reply, seen)
    try:
        if dialect == "chat":
            return str(reply.choices[0].message.content)
        return str(reply.output_text if dialect == "responses" else reply.content[0].text)
    except (AttributeError, TypeError):
        return f"no reply but `{type(reply).__name__}`"


def _read_stream(events: Any, seen: Seen) -> str:
    said = ""
    for event in events:
        said += _delta(event)
        seen.outcome = "a part, then " if said else ""
    seen.outcome = ""
    return said or "a stream without a word"


def _delta(event: Any) -> str:
    """The words in one event, of whatever dialect."""
    if getattr(event, "choices", None):
        return event.choices[0].delta.content or ""
    if event.type == "response.output_text.delta":
        return str(event.delta)
    if event.type == "content_block_delta":
        return str(event.delta.text)
    return ""


def _told(error: Exception) -> str:
    body = getattr(error, "body", None)
    code = getattr(error, "code", None)
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        code = body["error"].get("type")
    return f"`{type(error).__name__}`" + (f" ({code})" if code else "")


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """A gateway that is quick to lose patience, with one more provider at an address where nobody listens."""
    with ScriptedProvider.in_thread() as provider:
        flags = ("--provider", f"nobody=http://127.0.0.1:{free_port()}/v1")
        gateway = GatewayProcess(folder / "data", provider.base_url, flags=flags, environment=QUICK).start()
        try:
            gateway.admin_key = gateway.create_key(kind="admin")
            yield Rig(gateway, provider)
        finally:
            gateway.kill()


def row(rigged: Rig, name: str, *, is_streamed: bool) -> str:
    """One line of the table."""
    seen = [rigged.observe(name, dialect, is_streamed=is_streamed) for dialect in DIALECTS]
    tries = " / ".join(dict.fromkeys(one.tries for one in seen))
    stored = " / ".join(dict.fromkeys(one.stored for one in seen))
    cells = [name, "streamed" if is_streamed else "plain", *(one.outcome for one in seen), tries, stored]
    return f"| {' | '.join(cells)} |"


def page(rows: list[str]) -> str:
    """The whole page."""
    table = "\n".join(rows)
    return f"""# Faults

What becomes of a request when its provider fails: observed with the `openai` and `anthropic` SDKs for Python, which
were told not to try again themselves. This page is written by `python -m tests.e2e.fault_matrix`, and a test
compares it with what happens.

* **The columns of the SDKs**: what the call returned or raised, with the error's code. ⊘: the answer said
  `x-should-retry: false`, so an SDK at its defaults does not multiply the gateway's tries.
* **tries**: how often the gateway asked, by `X-Memory-Upstream`. The gateway had `retries.tries = 3` (the default),
  and a patience of one second for heads, for silence, and for `Retry-After`.
* **stored**: the question, the reply, or neither.

| the provider … | reply | `chat.completions` | `responses` | `messages` | tries | stored |
| --- | --- | --- | --- | --- | --- | --- |
{table}

A stream that breaks ends without a proper end, which is an error to every SDK. An error event in the client's dialect
comes before where the gateway is more than a relay: where it translates between dialects, where several upstreams could
have answered, and where it gave up waiting itself. Elsewhere the bytes are the provider's, to the last one; with
`tells_broken_streams = true` every stream that breaks gets its event. In the middle of an event, and where the stream
is compressed, none could be read: there the connection just breaks. Half a plain reply is handed on as half of one. A
provider's own error passes as it is, and so does what is no JSON: the gateway does not judge what it need not
understand.
"""


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as folder, rig(Path(folder)) as rigged:
        rows = [row(rigged, name, is_streamed=is_streamed) for name in FAULTS for is_streamed in (False, True)]
    PAGE.write_text(page(rows), "utf-8")


if __name__ == "__main__":
    main()
