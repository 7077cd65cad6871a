"""Learn the fusion weights and write them where the engine reads them.

    python -m benchmarks.recall.train DATA.jsonl.gz [...] [--write]

prints recall of the held-out conversations (five folds), then learns from all of them.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.recall.fusion_training import Example, held_out_scores, learn, means_by, recall_at, signal_matrix
from benchmarks.recall.offline import LoadedVault, load_vaults
from recollect.recall import weights as current
from recollect.recall.plans import BALANCED
from recollect.recall.query import read_query
from recollect.recall.ranking import candidates
from recollect.recall.signals import term_frequencies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from recollect.recall.plans import Plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGET = Path(current.__file__)
CANDIDATES = 200
LEXICAL = (
    "lexical", "near_window", "wide_window", "answers", "session", "speaker", "other_speaker", "date", "asks",
    "instructs", "user_role", "opens", "user_opens", "dated", "when_dated", "counted", "length",
)  # fmt: skip
BOUNDS = {
    "asks": (-0.3, 0.0),
    "other_speaker": (-0.3, 0.0),
    "user_role": (0.0, 0.3),
    "opens": (0.0, 0.05),
    "user_opens": (0.0, 0.1),
}
"""Every other signal speaks for a passage, and must not count against it. The priors are bounded, since evidence is
labelled by message: what names the first passage of a user's message is always right there, but a passage of a long
answer that holds what was asked for must still win against it."""
_FREELY = (0.0, 2.0)
FIXED = {"recency": 0.02}
"""Not learned: in these sets the questions happen to go for what was said early."""
DENSE = (*LEXICAL, "dense", "dense_before", "dense_behind")
LATE = (*DENSE, "late", "late_window", "answers_late", "late_session", "novelty", "feedback")


def examples_of(vaults: Sequence[LoadedVault], data_set: str, names: Sequence[str], plan: Plan) -> list[Example]:
    """An example a question, its candidates being those of the plan."""
    examples = []
    for vault in vaults:
        index = vault.index
        external = {int(message.number): str(message.external_id) for message in vault.conversation.messages}
        everyone = np.ones(len(index.layout), np.bool_)
        for question in vault.conversation.questions:
            embedding = vault.embeddings[question.text] if "dense" in names else None
            query = read_query(question.text, index.languages, NOW.date(), embedding)
            places, found, _ = candidates(index, query, plan, everyone, term_frequencies(index, query))
            numbers = index.messages.number.view[index.layout.message[places]]
            is_evidence = np.array([external[int(number)] in question.evidence for number in numbers])
            examples.append(
                Example(
                    data_set, vault.conversation.id, question.category, signal_matrix(found, names), numbers,
                    is_evidence, len(question.evidence),
                )
            )  # fmt: skip
    return examples


def pruned(examples: Iterable[Example], names: Sequence[str], weights: Mapping[str, float]) -> list[Example]:
    """Only the best candidates by the current weights: where the decisions fall."""
    vector = np.array([weights.get(name, 0.0) for name in names])
    kept = []
    for one in examples:
        best = np.sort(np.argsort(-(one.signals @ vector), kind="stable")[:CANDIDATES])
        kept.append(
            replace(one, signals=one.signals[best], messages=one.messages[best], is_evidence=one.is_evidence[best])
        )
    return kept


def report(title: str, examples: Sequence[Example], bounds: NDArray[np.float64]) -> None:
    """Recall of the held-out conversations."""
    scores = held_out_scores(examples, bounds)
    for count in (5, 10):
        recall = [recall_at(one, score, count) for one, score in zip(examples, scores, strict=True)]
        print(f"{title:8} held out R@{count}: {means_by((one.data_set for one in examples), recall)}")
    print(f"{'':8} by category: {means_by((f'{one.data_set}/{one.category}' for one in examples), recall)}")


def source_of(tables: Mapping[str, Mapping[str, float]], command: str) -> str:
    """The module that holds the weights."""
    lines = [
        '"""The weights that fuse the signals, learned by:',
        "",
        f"    {command}",
        "",
        "Do not edit: run the command.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from types import MappingProxyType",
    ]
    for name, table in tables.items():
        lines += ["", f"{name} = MappingProxyType(", "    {"]
        lines += [f'        "{signal}": {weight},' for signal, weight in table.items()]
        lines += ["    }", ")"]
    return "\n".join(lines) + "\n"


def name_of(path: Path) -> str:
    """What a data set is called: its file's name without endings."""
    return path.name.split(".")[0].removesuffix("-dev")


async def load_all(paths: Sequence[Path]) -> dict[str, list[LoadedVault]]:
    """The data sets by name."""
    return {name_of(path): await load_vaults(path) for path in paths}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    parser.add_argument("--only", choices=["LEXICAL", "DENSE", "LATE"])
    args = parser.parse_args()
    loaded = asyncio.run(load_all(args.data))
    tables: dict[str, dict[str, float]] = {}
    for title, names, plan in (
        ("LEXICAL", LEXICAL, BALANCED),
        ("DENSE", DENSE, replace(BALANCED, late_candidates=0)),
        ("LATE", LATE, BALANCED),
    ):
        if args.only and title != args.only:
            tables[title] = dict(getattr(current, title))
            continue
        found = [one for name, vaults in loaded.items() for one in examples_of(vaults, name, names, plan)]
        examples = pruned(found, names, getattr(current, title))
        bounds = np.array([BOUNDS.get(name, _FREELY) for name in names])
        report(title, examples, bounds)
        learned = dict(zip(names, (round(float(one), 3) for one in learn(examples, bounds)), strict=True))
        tables[title] = learned | FIXED
        print(tables[title])
    if args.write:
        names_of = " ".join(path.name for path in args.data)
        TARGET.write_text(source_of(tables, f"python -m benchmarks.recall.train --write {names_of}"))


if __name__ == "__main__":
    main()
