"""Recollect beside BM25, dense vectors and Mem0's formula, in process, on the same vectors.

    python -m benchmarks.recall.compare DATA [...] [--plan balanced] [--picture FILE.png]

The picture (recall against injected tokens) needs matplotlib.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.recall.baselines import BASELINES
from benchmarks.recall.measures import Tally, ranking_measures, session_measures
from benchmarks.recall.offline import PROBES, load_vaults
from recollect.domain.recall import RecallRequest, Strategy
from recollect.recall.answer import answer
from recollect.recall.packing import Budget
from recollect.recall.query import read_query
from recollect.wire.memory_block import FRAME_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.recall.baselines import Baseline
    from benchmarks.recall.conversations import Question
    from benchmarks.recall.offline import LoadedVault
    from recollect.recall.vault_index import VaultIndex

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUDGETS = (150, 250, 500, 1000, 2000)
COLUMNS = ("R@5", "R@10", "R@20", "R@50", "all@10", "MRR", *(f"R@{budget}tok" for budget in BUDGETS))
SESSION_COLUMNS = ("session any@5", "session all@5", "session ndcg@10")


def recollect_rows(vault: LoadedVault, question: Question, strategy: Strategy) -> dict[str, float]:
    """Measures of the engine itself, gate included."""
    measures: dict[str, float] = {}
    for budget in BUDGETS:
        request = RecallRequest(question.text, strategy=strategy, limit=50, max_tokens=budget, now=NOW, widens=True)
        found = answer(vault.index, request, vault.embeddings[question.text], None)
        measures |= measured(
            vault, question, budget, [one.number for one in found.ranked], [one.number for one in found.selected]
        )
    return measures


def measured(
    vault: LoadedVault, question: Question, budget: int, ranked: Sequence[int], injected: Iterable[int]
) -> dict[str, float]:
    """Every measure of one ranking (message numbers, best first) and of what a budget takes of it."""
    told = {int(message.number): message for message in vault.conversation.messages}
    turns = list(dict.fromkeys(str(told[number].external_id) for number in ranked))
    measures = ranking_measures(turns, question.evidence)
    measures |= session_measures([str(told[number].session) for number in ranked], question.sessions)
    if question.evidence:
        found = {str(told[number].external_id) for number in injected} & question.evidence
        measures[f"R@{budget}tok"] = len(found) / len(question.evidence)
    return measures


def baseline_rows(vault: LoadedVault, question: Question, baseline: Baseline) -> dict[str, float]:
    """Measures of a baseline, with the same frame and day headers, and no gate."""
    index = vault.index
    embedding = vault.embeddings[question.text]
    query = read_query(question.text, index.languages, NOW.date(), embedding)
    scores = baseline.score(index, query)
    places = [int(place) for place in np.argsort(-scores, kind="stable")[:400] if scores[place] > 0]
    number = index.messages.number.view[index.layout.message]
    ranked = [int(number[place]) for place in places]
    measures: dict[str, float] = {}
    for budget in BUDGETS:
        injected = [int(number[place]) for place in packed(index, places, budget)]
        measures |= measured(vault, question, budget, ranked, injected)
    return measures


def packed(index: VaultIndex, places: Iterable[int], max_tokens: int) -> list[int]:
    """The best places that fit."""
    budget = Budget(max_tokens - FRAME_TOKENS)
    days = index.standing.days
    tokens = index.passages.tokens.view[index.layout.passage]
    return [place for place in places if budget.take(int(tokens[place]), int(days[place])) is not None]


def compare(vaults: Sequence[LoadedVault], strategy: Strategy) -> dict[str, Tally]:
    """A tally a system."""
    tallies: dict[str, Tally] = {"Recollect": Tally(), **{one.name: Tally() for one in BASELINES}}
    for vault in vaults:
        for question in vault.conversation.questions:
            rows = {"Recollect": recollect_rows(vault, question, strategy)}
            rows |= {one.name: baseline_rows(vault, question, one) for one in BASELINES}
            for name, measures in rows.items():
                tallies[name].add(vault.conversation.id, question.category, measures)
    return tallies


def false_injections(vaults: Sequence[LoadedVault], strategy: Strategy) -> float:
    """Per cent of the unrelated probes that inject something at the default budget."""
    base = RecallRequest("", strategy=strategy, now=NOW)
    outcomes = [
        bool(answer(vault.index, replace(base, query=probe), vault.embeddings[probe], None).selected)
        for vault in vaults
        for probe in PROBES
    ]
    return 100 * sum(outcomes) / len(outcomes)


def print_table(title: str, tallies: dict[str, Tally], false_share: float) -> None:
    """A Markdown table, the interval of R@10 beside it."""
    ours = tallies["Recollect"]
    columns = [column for column in (*COLUMNS, *SESSION_COLUMNS) if ours.values[column]]
    print(f"\n### {title}\n\n| | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, tally in tallies.items():
        print(f"| {name} | {' | '.join(f'{tally.mean(column):.1f}' for column in columns)} |")
    low, high = ours.interval("R@10")
    by_category = {name: round(100 * float(np.mean(values)), 1) for name, values in sorted(ours.categories.items())}
    print(f"\nRecollect R@10, 95 % interval: {low:.1f} to {high:.1f}; by category: {by_category}")
    print(f"Unrelated probes injected: {false_share:.1f} %")


def draw(tables: dict[str, dict[str, Tally]], target: Path) -> None:
    """Recall against the token budget, a panel a data set."""
    pyplot = importlib.import_module("matplotlib.pyplot")
    figure, panels = pyplot.subplots(1, len(tables), figsize=(5 * len(tables), 4), squeeze=False)
    for panel, (title, tallies) in zip(panels[0], tables.items(), strict=True):
        for name, tally in tallies.items():
            panel.plot(BUDGETS, [tally.mean(f"R@{budget}tok") for budget in BUDGETS], marker="o", label=name)
        panel.set(
            title=title, xlabel="injected tokens at most", ylabel="evidence recall, %", xscale="log", ylim=(0, 100)
        )
        panel.set_xticks(BUDGETS, labels=[str(budget) for budget in BUDGETS])
        panel.minorticks_off()
        panel.legend()
    figure.tight_layout()
    figure.savefig(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--plan", type=Strategy, default=Strategy.BALANCED, choices=list(Strategy))
    parser.add_argument("--numbers", choices=["int8", "fp32", "none"], default="int8", help="none: words alone")
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    tables = {}
    for path in args.data:
        vaults = asyncio.run(load_vaults(path, numbers=args.numbers))
        tables[path.name.split(".")[0]] = tallies = compare(vaults, args.plan)
        print_table(path.name.split(".")[0], tallies, false_injections(vaults, args.plan))
    if args.picture:
        draw(tables, args.picture)


if __name__ == "__main__":
    main()
