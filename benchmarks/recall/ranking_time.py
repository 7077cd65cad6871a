"""What ranking alone costs: processor time of this thread, without model, store and server.

    python -m benchmarks.recall.ranking_time DATA [...] [--messages 10000]

All conversations go into one vault, again and again until it has so many messages; up to 200 questions are asked
twice, the faster time counting: other work on the machine disturbs processor time less than a clock, but it does.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.recall.cached_embedder import CachedEmbedder
from benchmarks.recall.conversations import load_conversations
from benchmarks.recall.offline import CACHE, message_row
from benchmarks.recall.train import NOW
from recollect.domain.ids import MessageNumber, SessionNumber
from recollect.domain.recall import RecallRequest
from recollect.embedders.minilm import load_minilm
from recollect.recall.answer import answer
from recollect.recall.indexer import PassageIndexer
from recollect.recall.vault_index import VaultIndex
from recollect.stores.base import VaultDelta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.embedders.base import Embedding
    from recollect.stores.base import MessageRow, PassageRow

QUESTIONS = 200
Question = tuple[str, "Embedding"]


async def embedded(paths: Sequence[Path]) -> tuple[list[tuple[list[MessageRow], list[PassageRow]]], list[Question]]:
    """What a store would tell the index of each conversation, and the questions with their vectors."""
    inner = load_minilm(CACHE)
    parts, questions = [], []
    for path in paths:
        for conversation in load_conversations(path):
            embedder = CachedEmbedder(inner, CACHE / "benchmark" / f"int8-{conversation.id}.pkl")
            passages = await PassageIndexer(embedder).index(conversation.messages)
            parts.append(([message_row(message) for message in conversation.messages], passages))
            questions += [(one.text, await embedder.embed_query(one.text)) for one in conversation.questions]
    return parts, questions[:: max(len(questions) // QUESTIONS, 1)][:QUESTIONS]


def one_vault(parts: Sequence[tuple[list[MessageRow], list[PassageRow]]], model: str, most: int) -> VaultIndex:
    """The conversations one behind the other, from the beginning again until there are enough messages."""
    messages: list[MessageRow] = []
    passages: list[PassageRow] = []
    for turn in range(most):
        rows, pieces = parts[turn % len(parts)]
        first, session = len(messages), turn << 16
        place = {row.number: MessageNumber(first + at) for at, row in enumerate(islice(rows, most - first))}
        messages += [
            row._replace(
                number=place[row.number],
                session_number=SessionNumber(session + row.session_number),
                fingerprint=str((turn, row.number)).encode(),
            )
            for row in rows[: most - first]
        ]
        passages += [one._replace(message_number=place[n]) for one in pieces if (n := one.message_number) in place]
        if len(messages) >= most:
            break
    index = VaultIndex(model)
    index.apply(VaultDelta(0, len(messages), messages, passages))
    return index


def milliseconds(index: VaultIndex, question: Question) -> float:
    """The faster of two times."""
    text, embedding = question
    times = []
    for _ in range(2):
        started = time.thread_time()
        answer(index, RecallRequest(text, limit=50, now=NOW, widens=True), embedding, None)
        times.append(1000 * (time.thread_time() - started))
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--messages", type=int, default=10_000)
    args = parser.parse_args()
    parts, questions = asyncio.run(embedded(args.data))
    index = one_vault(parts, load_minilm(CACHE).model, args.messages)
    times = [milliseconds(index, question) for question in questions]
    print(f"{len(index.layout)} passages, {len(questions)} questions: ranking takes p50 {np.median(times):.1f} ms, "
          f"p95 {np.quantile(times, 0.95):.1f} ms of processor time")  # fmt: skip


if __name__ == "__main__":
    main()
