"""One request to the memory surface, and who sends it: for a client that waits, and for one that is awaited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

from recollect.client.memory_types import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import AsyncOpenAI, OpenAI

T = TypeVar("T", bound=Record)
WITH_BODY = frozenset({"POST", "PATCH"})


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request to the memory surface, and what its answer is read as. ``fields`` go into the body of a POST or a
    PATCH, else into the query string; those that are None are left out, but for those of ``nulls``.
    """

    method: str
    path: str
    answer: type[T]
    fields: Mapping[str, Any]
    nulls: frozenset[str] = frozenset()

    @property
    def url(self) -> str:
        """Relative to the base URL."""
        return f"/memory/{self.path}"

    @property
    def given(self) -> dict[str, Any]:
        """The fields that are sent; truth as JSON spells it, in a query string too."""
        given = {name: value for name, value in self.fields.items() if value is not None or name in self.nulls}
        if self.method in WITH_BODY:
            return given
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}


class Sender:
    """Sends calls, and waits for their answers."""

    def __init__(self, client: OpenAI) -> None:
        """Bind to a client."""
        self._client = client

    def _run(self, call: Call[T]) -> T:
        if call.method in WITH_BODY:
            send = self._client.post if call.method == "POST" else self._client.patch
            return send(call.url, cast_to=call.answer, body=call.given)
        fetch = self._client.get if call.method == "GET" else self._client.delete
        return fetch(call.url, cast_to=call.answer, options={"params": call.given})


class AsyncSender:
    """As :class:`Sender`, awaited."""

    def __init__(self, client: AsyncOpenAI) -> None:
        """Bind to a client."""
        self._client = client

    async def _run(self, call: Call[T]) -> T:
        if call.method in WITH_BODY:
            send = self._client.post if call.method == "POST" else self._client.patch
            return await send(call.url, cast_to=call.answer, body=call.given)
        fetch = self._client.get if call.method == "GET" else self._client.delete
        return await fetch(call.url, cast_to=call.answer, options={"params": call.given})


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")
