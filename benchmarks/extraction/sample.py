"""Draw claims of the rule-based extractor from conversations, to be judged by reading: true to the quote, or not?

Usage: python benchmarks/extraction/sample.py FILE.jsonl.gz… [--seed 7] [--size 100]

Each line of a file is a conversation {"sessions": [{"messages": [{"role", "content", "occurred_at", "name"?}]}]}.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recollect.domain.ids import MessageId, MessageNumber, SessionName, SessionNumber
from recollect.domain.messages import StoredMessage
from recollect.extractors.rules import extract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.domain.memories import Claim


def sessions(path: Path) -> Iterator[list[StoredMessage]]:
    """The sessions of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            for session in json.loads(line)["sessions"]:
                yield [stored(message, number) for number, message in enumerate(session["messages"], 1)]


def stored(message: dict[str, Any], number: int) -> StoredMessage:
    """A message as a store would return it."""
    occurred_at = datetime.fromisoformat(message["occurred_at"])
    return StoredMessage(
        id=MessageId(number.to_bytes(16, "big")),
        number=MessageNumber(number),
        session=SessionName("sample"),
        session_number=SessionNumber(1),
        depth=number,
        is_live=True,
        captured_at=occurred_at,
        role=message["role"],
        text=message["content"],
        occurred_at=occurred_at,
        name=message.get("name"),
    )


def show(claim: Claim) -> str:
    """A claim beside its quote."""
    until = f" until {claim.valid_to:%Y-%m-%d}" if claim.valid_to else ""
    since = f" since {claim.valid_from:%Y-%m-%d}" if claim.valid_from else ""
    fact = f"{claim.subject} · {claim.attribute}: {claim.value} ({claim.change}{since}{until})"
    return f"{fact}\n    said on {claim.stated_at:%Y-%m-%d}: {claim.evidence[0].quote!r}"


def main() -> None:
    """Print the sample, then what there is in all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--size", type=int, default=100)
    given = parser.parse_args()
    claims: list[Claim] = []
    messages = 0
    started = time.perf_counter()
    for path in given.files:
        for session in sessions(path):
            messages += len(session)
            claims += extract(session).claims
    took_ms = (time.perf_counter() - started) * 1000
    random.seed(given.seed)
    for place, claim in enumerate(random.sample(claims, min(given.size, len(claims))), 1):
        print(f"{place:3}. {show(claim)}")
    print(f"\n{len(claims)} claims in {messages} messages, {took_ms / max(messages, 1):.2f} ms a message")
    print(", ".join(f"{name} {count}" for name, count in Counter(claim.attribute for claim in claims).most_common()))


if __name__ == "__main__":
    main()
