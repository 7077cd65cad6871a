"""Vaults in memory without store and server, to measure ranking alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.recall.cached_embedder import CachedEmbedder
from benchmarks.recall.conversations import load_conversations
from recollect.embedders.minilm import load_minilm
from recollect.recall.indexer import PassageIndexer
from recollect.recall.vault_index import VaultIndex
from recollect.stores.base import MessageRow, VaultDelta

if TYPE_CHECKING:
    from benchmarks.recall.conversations import Conversation
    from recollect.domain.messages import StoredMessage
    from recollect.embedders.base import Embedding
    from recollect.stores.base import PassageRow

CACHE = Path.home() / ".cache" / "recollect"

PROBES = (
    "Hello!",
    "Thanks, that's great.",
    "What is the capital of France?",
    "Write a Python function that reverses a linked list.",
    "Explain the difference between TCP and UDP.",
    "Translate 'good morning' into Japanese.",
    "What is 17 * 23?",
    "Summarise the plot of Hamlet in two sentences.",
    "How do I undo the last commit in git?",
    "What causes the seasons on Earth?",
    "Give me a regular expression that matches an IPv4 address.",
    "Who wrote The Origin of Species?",
    "Convert 100 degrees Fahrenheit to Celsius.",
    "What does HTTP status 418 mean?",
    "List the planets of the solar system.",
    "Write a haiku about the sea.",
    "How does a B-tree differ from an LSM tree?",
    "What is the boiling point of ethanol?",
    "Define the word 'ephemeral'.",
    "ok",
)


@dataclass(frozen=True, slots=True)
class LoadedVault:
    """A conversation with its index, and the vectors of its questions and of the probes by text."""

    conversation: Conversation
    index: VaultIndex
    embeddings: dict[str, Embedding | None]


def message_row(m: StoredMessage) -> MessageRow:
    """What a store would tell the index of a message."""
    return MessageRow(
        m.number,
        m.session_number,
        m.depth,
        m.is_live,
        m.role,
        m.name,
        m.agent_id,
        int(m.occurred_at.timestamp() * 1000),
        int(m.captured_at.timestamp() * 1000),
        m.id,
        m.metadata,
        None,
    )


def delta_of(conversation: Conversation, passages: list[PassageRow]) -> VaultDelta:
    return VaultDelta(0, len(conversation.messages), [message_row(m) for m in conversation.messages], passages)


async def load_vaults(
    path: Path, *, numbers: str = "int8", extra_queries: tuple[str, ...] = PROBES
) -> list[LoadedVault]:
    inner = load_minilm(CACHE, is_quantised=numbers == "int8") if numbers != "none" else None
    vaults = []
    for conversation in load_conversations(path):
        embedder = inner and CachedEmbedder(inner, CACHE / "benchmark" / f"{numbers}-{conversation.id}.pkl")
        rows = await PassageIndexer(embedder).index(conversation.messages)
        index = VaultIndex(embedder.model if embedder else "")
        index.apply(delta_of(conversation, rows))
        texts = [*(q.text for q in conversation.questions), *extra_queries]
        embeddings = {text: await embedder.embed_query(text) if embedder else None for text in texts}
        if embedder:
            await embedder.close()
        vaults.append(LoadedVault(conversation, index, embeddings))
    return vaults
