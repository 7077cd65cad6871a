"""`recollect chat`: a conversation through the gateway."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from recollect.cli.options import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai.types.chat import ChatCompletionMessageParam

    from recollect.client import Recollect

BUILT_IN = "recollect/recall"
SHOWN = 10


@click.command("chat")
@click.option("--model", default=BUILT_IN, show_default=True, help="As clients name it: provider/model.")
@click.option("--user", help="Whose memory it is. Default: the key's own user.")
@click.option("--base-url", help="The gateway. Default: RECOLLECT_BASE_URL, or where the settings say that it listens.")
@click.option("--key", help="The memory key. Default: RECOLLECT_API_KEY; none is needed while no key exists.")
def command(model: str, user: str | None, base_url: str | None, key: str | None) -> None:
    """Talk to a model through the gateway, with memory.

    /memories shows what is remembered about the last message, /memories WORDS about the words, /new begins a new
    session, /quit ends. Lines from a pipe are answered one after the other.

    \b
    recollect chat
    recollect chat --model openai/gpt-5.5 --user alice
    echo "What are my hobbies?" | recollect chat --user alice
    """
    from recollect.client import Recollect  # noqa: PLC0415 - keeps `--help` instant

    is_interactive = sys.stdin.isatty()
    talk = _Talk(Recollect(base_url=base_url or _base_url(), api_key=key), model, user)
    if is_interactive:
        click.echo(f"{model}. /memories, /new and /quit are commands.")
        if model == BUILT_IN:
            click.echo("It answers from memory alone and is no LLM; name one with --model provider/model.")
    has_failed = False
    for line in _lines(is_interactive=is_interactive):
        if line in {"/quit", "/exit"}:
            break
        has_failed = not talk.take(line) or has_failed
    if has_failed and not is_interactive:
        raise SystemExit(1)


def _base_url() -> str:
    from recollect.server.banner import base_url  # noqa: PLC0415 - keeps `--help` instant
    from recollect.settings import environment_value  # noqa: PLC0415 - as above

    named = environment_value("RECOLLECT_BASE_URL")
    if named:
        return named
    settings = load(None)
    return base_url(settings, settings.port)


def _lines(*, is_interactive: bool) -> Iterator[str]:
    """What is typed, until the end of the input."""
    if not is_interactive:
        yield from (line.strip() for line in sys.stdin)
        return
    while True:
        try:
            yield click.prompt("you", prompt_suffix="> ", default="", show_default=False).strip()
        except click.Abort:
            click.echo()
            return


class _Talk:
    """One conversation."""

    def __init__(self, client: Recollect, model: str, user: str | None) -> None:
        self._client = client
        self._model = model
        self._user = user
        self._session = uuid4().hex
        self._history: list[ChatCompletionMessageParam] = []
        self._asked = ""

    def take(self, line: str) -> bool:
        """Do what a line says; False where that failed, and was said."""
        from openai import APIConnectionError, APIStatusError, OpenAIError  # noqa: PLC0415 - keeps `--help` instant

        try:
            self._obey(line)
        except APIStatusError as error:
            click.echo(f"Error: {error.status_code} {error.code or ''}: {_message_of(error)}", err=True)
        except APIConnectionError:
            click.echo(f"Error: no gateway answers at {self._client.base_url}. Start one: recollect serve", err=True)
        except OpenAIError as error:
            click.echo(f"Error: {error}", err=True)
        else:
            return True
        return False

    def _obey(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if line == "/new":
            self._session, self._history = uuid4().hex, []
            click.echo("A new session.")
        elif word == "/memories":
            self._show_memories(rest.strip() or self._asked)
        elif line:
            self._ask(line)

    def _ask(self, line: str) -> None:
        self._asked = line
        said: list[str] = []
        history: list[ChatCompletionMessageParam] = [*self._history, {"role": "user", "content": line}]
        stream = self._client.chat.completions.create(
            model=self._model, messages=history, stream=True, user_id=self._user, session_id=self._session
        )
        try:
            for chunk in stream:
                piece = next((choice.delta.content or "" for choice in chunk.choices), "")
                said.append(piece)
                click.echo(piece, nl=False)
        except KeyboardInterrupt:
            stream.close()  # enough was said; the gateway keeps what it has sent
        click.echo()
        self._history = [*history, {"role": "assistant", "content": "".join(said)}]

    def _show_memories(self, query: str) -> None:
        from recollect.client.memory_types import SearchResult  # noqa: PLC0415 - keeps `--help` instant

        if not query:
            click.echo("Nothing was asked yet; /memories WORDS searches for words.")
            return
        body = {"query": query, "limit": SHOWN, **({"user": self._user} if self._user else {})}
        found = self._client.post("/memory/search", cast_to=SearchResult, body=body)
        for one in found.data:
            click.echo(f"  {(one.occurred_at or '')[:10]}  {one.name or one.role}: {one.text}")
        if not found.data:
            click.echo("  Nothing is remembered about that.")


def _message_of(error: Exception) -> str:
    """The gateway's own sentence, without the envelope that the SDK repeats around it."""
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    return message if isinstance(message, str) else str(error)
