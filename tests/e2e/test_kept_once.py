"""32 clients write to 8 vaults at once, half of them are cut off in mid-stream, and then the process is killed.

No acknowledged message is lost, none is there twice, and none is in another vault.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import openai
from openai import AsyncOpenAI

from tests.e2e.answers import ANSWER
from tests.e2e.vaults import stored_texts

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

CLIENTS = 32
VAULTS = 8
TURNS = 6
KILLED_AFTER = CLIENTS * TURNS // 2


@dataclass
class Writers:
    """What was acknowledged, and what was only sent."""

    gateway: GatewayProcess
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    sent: dict[str, list[str]] = field(default_factory=dict)
    count: int = 0
    is_time_to_kill: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, number: int) -> None:
        """One client: a session of its own, the whole history sent again in each turn; every other client leaves
        after the first piece of every second reply."""
        vault = f"vault {number % VAULTS}"
        history: list[dict[str, str]] = []
        headers = {"X-Memory-User": vault, "X-Memory-Session": f"client {number}"}
        base_url, key = self.gateway.base_url, self.gateway.admin_key
        async with AsyncOpenAI(base_url=base_url, api_key=key, default_headers=headers, max_retries=0) as client:
            for turn in range(TURNS):
                text = f"message {turn} of client {number} for {vault}"
                self.sent.setdefault(vault, []).append(text)
                history.append({"role": "user", "content": text})
                leaves = number % 2 == 1 and turn % 2 == 1
                try:
                    answer = await self._turn(client, history, leaves=leaves)
                except openai.APIConnectionError:
                    return
                if answer is not None:
                    self.acknowledged.setdefault(vault, []).append(text)
                    history.append({"role": "assistant", "content": answer})
                self.count += 1
                if self.count >= KILLED_AFTER:
                    self.is_time_to_kill.set()

    async def _turn(self, client: AsyncOpenAI, history: list[dict[str, str]], *, leaves: bool) -> str | None:
        """The whole reply, or None where this client left in the middle of it."""
        stream = await client.chat.completions.create(model="openai/m", messages=history, stream=True)  # type: ignore[arg-type]
        text = ""
        async for chunk in stream:
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
            if leaves and text:
                await stream.close()
                return None
        return text


async def test_acknowledged_messages_are_kept_once(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    writers = Writers(gateway)
    writing = asyncio.gather(*(writers.write(number) for number in range(CLIENTS)))
    await writers.is_time_to_kill.wait()
    await asyncio.to_thread(gateway.kill)
    await writing
    await asyncio.to_thread(gateway.start)

    assert sum(map(len, writers.acknowledged.values())) >= KILLED_AFTER // 2
    for number in range(VAULTS):
        vault = f"vault {number}"
        stored = Counter(await asyncio.to_thread(stored_texts, gateway, vault, "user"))
        assert [text for text in writers.acknowledged[vault] if stored[text] != 1] == []
        assert [text for text in stored if stored[text] > 1 or text not in writers.sent[vault]] == []
        replies = Counter(await asyncio.to_thread(stored_texts, gateway, vault, "assistant"))
        assert len(writers.acknowledged[vault]) <= replies[ANSWER] <= len(writers.sent[vault])
        assert all(ANSWER.startswith(text) for text in replies)
