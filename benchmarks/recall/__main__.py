"""Evidence recall of a running gateway, over its own HTTP API.

    python -m benchmarks.recall DATA [...] --base-url http://127.0.0.1:8000 [--key mk_...] [--judge gpt-4o-mini]

DATA is LoCoMo, REALTALK, BEAM or LongMemEval as published, or our own form (see README.md). Each conversation goes into
a vault of its own; each question is searched (the ranking) and prepared with 500 tokens
(what would be injected); unrelated probes must inject nothing at the default budget.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.recall.conversations import load_conversations
from benchmarks.recall.judge import judge_of
from benchmarks.recall.measures import Tally, ranking_measures, session_measures
from benchmarks.recall.offline import PROBES

if TYPE_CHECKING:
    from benchmarks.recall.conversations import Conversation
    from benchmarks.recall.judge import Judge

BUDGET = 500
TIMEOUT_S = 600.0


@dataclass(slots=True)
class Gateway:
    """The HTTP API, as far as it is needed here."""

    base_url: str
    key: str | None
    strategy: str

    def call(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """POST; an error ends the program with its status."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
        url = self.base_url.rstrip("/") + "/v1/memory/" + path
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310  given by the caller
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310  as above
            found: dict[str, Any] = json.load(reply)
            return found


@dataclass(slots=True)
class Report:
    """What was measured on one data set."""

    tally: Tally = field(default_factory=Tally)
    ingest_ms: list[float] = field(default_factory=list)
    search_ms: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    injected: list[bool] = field(default_factory=list)

    def show(self, title: str) -> None:
        """Print everything."""
        print(f"== {title}: {len(self.search_ms)} questions")
        for name in self.tally.values:
            low, high = self.tally.interval(name)
            print(f"   {name:14} {self.tally.mean(name):5.1f}  [{low:.1f}, {high:.1f}]")
        for name, values in sorted(self.tally.categories.items()):
            print(f"   R@10 {name:24} {100 * statistics.fmean(values):5.1f}")
        print(f"   unrelated probes injected: {100 * statistics.fmean(self.injected):.1f} %")
        print(f"   injected tokens, mean / max: {statistics.fmean(self.tokens):.0f} / {max(self.tokens)}")
        print(f"   search ms p50 / p95: {quantile(self.search_ms, 0.5):.1f} / {quantile(self.search_ms, 0.95):.1f}")
        low, high = quantile(self.ingest_ms, 0.5), quantile(self.ingest_ms, 0.95)
        print(f"   ingest ms a message p50 / p95: {low:.1f} / {high:.1f}")


def ingest(gateway: Gateway, conversation: Conversation, user: str, report: Report) -> None:
    """Store a conversation, session by session, until it can be recalled with vectors."""
    sessions = dict.fromkeys(message.session for message in conversation.messages)
    for session in sessions:
        messages = [
            {
                "id": message.external_id,
                "role": message.role,
                "content": message.text,
                "occurred_at": message.occurred_at.isoformat(),
                **({"name": message.name} if message.name else {}),
            }
            for message in conversation.messages
            if message.session == session
        ]
        started = time.perf_counter()
        gateway.call("ingest", {"user": user, "session_id": session, "messages": messages, "wait": True})
        report.ingest_ms.append((time.perf_counter() - started) * 1000 / len(messages))


def ask(gateway: Gateway, conversation: Conversation, user: str, report: Report, judge: Judge | None) -> None:
    """Every question, then every unrelated probe."""
    for question in conversation.questions:
        started = time.perf_counter()
        searched = gateway.call(
            "search", {"user": user, "query": question.text, "limit": 50, "strategy": gateway.strategy}
        )
        report.search_ms.append((time.perf_counter() - started) * 1000)
        prepared = prepare(gateway, user, question.text, max_tokens=BUDGET)
        measures = ranking_measures(external_ids(searched["data"]), question.evidence)
        measures |= session_measures([one["session_id"] for one in searched["data"]], question.sessions)
        if question.evidence:
            injected = set(external_ids(prepared["memories"]))
            measures[f"R@{BUDGET}tok"] = len(injected & question.evidence) / len(question.evidence)
        if judge is not None and question.answer:
            measures["judged right"] = float(judge.is_right(question, prepared["context"]))
        report.tally.add(conversation.id, question.category, measures)
        report.tokens.append(prepared["tokens"])
    report.injected.extend(bool(prepare(gateway, user, probe)["memories"]) for probe in PROBES)


def prepare(gateway: Gateway, user: str, text: str, **more: object) -> dict[str, Any]:
    """What would be injected."""
    messages = [{"role": "user", "content": text}]
    return gateway.call("prepare", {"user": user, "messages": messages, "strategy": gateway.strategy, **more})


def external_ids(memories: list[dict[str, Any]]) -> list[str]:
    """External ids of the sources, best first, each once."""
    found = (source.get("external_id") for memory in memories for source in memory.get("sources", ()))
    return list(dict.fromkeys(one for one in found if one))


def quantile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--key")
    parser.add_argument("--strategy", default="balanced")
    parser.add_argument("--judge", metavar="MODEL", help="score answers with this model; key from OPENAI_API_KEY")
    parser.add_argument("--judge-url", help="any OpenAI-compatible base URL")
    args = parser.parse_args()
    gateway = Gateway(args.base_url, args.key, args.strategy)
    judge = judge_of(args.judge, args.judge_url) if args.judge else None
    run = uuid.uuid4().hex[:8]
    for path in args.data:
        report = Report()
        for conversation in load_conversations(path):
            user = f"benchmark-{run}-{conversation.id}"
            ingest(gateway, conversation, user, report)
            ask(gateway, conversation, user, report, judge)
        report.show(path.name.split(".")[0])


if __name__ == "__main__":
    main()
