"""`recollect chat`: a conversation through the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import click

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

    from recollect.client import Recollect


@click.command("chat")
@click.option("--model", default="recollect/recall", show_default=True, help="As clients name it: provider/model.")
@click.option("--user", default="default", show_default=True, help="Whose memory it is.")
@click.option("--base-url", help="The gateway. Default: RECOLLECT_BASE_URL, or http://127.0.0.1:8000/v1.")
@click.option("--key", help="The memory key. Default: RECOLLECT_API_KEY; none is needed while no key exists.")
def command(model: str, user: str, base_url: str | None, key: str | None) -> None:
    """Talk to a model through the gateway, with memory.

    Commands: /memories shows what was recalled for the last message, /new begins a new session, /quit ends.
    """
    from openai import OpenAIError  # noqa: PLC0415 - keeps `--help` instant

    from recollect.client import Recollect  # noqa: PLC0415 - as above

    client = Recollect(base_url=base_url, api_key=key)
    talk = _Talk(client, model, user)
    while True:
        try:
            line = click.prompt("you", prompt_suffix="> ", default="", show_default=False).strip()
        except click.Abort:
            return
        try:
            if not talk.take(line):
                return
        except OpenAIError as error:
            click.echo(f"Error: {error}", err=True)


class _Talk:
    """One conversation."""

    def __init__(self, client: Recollect, model: str, user: str) -> None:
        self._client = client
        self._model = model
        self._user = user
        self._session = uuid4().hex
        self._history: list[ChatCompletionMessageParam] = []
        self._asked = ""

    def take(self, line: str) -> bool:
        """Do what a line says; False ends the conversation."""
        if line in {"/quit", "/exit"}:
            return False
        if line == "/new":
            self._session, self._history = uuid4().hex, []
            click.echo("A new session.")
        elif line == "/memories":
            self._show_memories()
        elif line:
            self._ask(line)
        return True

    def _ask(self, line: str) -> None:
        self._asked = line
        said: list[str] = []
        history: list[ChatCompletionMessageParam] = [*self._history, {"role": "user", "content": line}]
        stream = self._client.chat.completions.create(
            model=self._model, messages=history, stream=True, user_id=self._user, session_id=self._session
        )
        for chunk in stream:
            for choice in chunk.choices:
                piece = choice.delta.content or ""
                said.append(piece)
                click.echo(piece, nl=False)
        click.echo()
        self._history = [*history, {"role": "assistant", "content": "".join(said)}]

    def _show_memories(self) -> None:
        found = self._client.memory.search(user=self._user, query=self._asked or "anything", limit=10)
        for one in found.data:
            day = (one.occurred_at or "")[:10]
            click.echo(f"  {day}  {one.text}")
