"""Calibrate the gate and write its weights where the engine reads them.

    python -m benchmarks.recall.train_gate DATA.jsonl.gz [...] [--write]

Questions of the data sets are to open it (each as much as its evidence was found), the unrelated probes that come
with the package are not; both sides and all sets weigh the same. Of the held-out conversations (five folds) it
prints how much recall the gate costs and how many unrelated probes pass: those it was trained against, and those
of the evaluation, which it never saw.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.recall.offline import PROBES, load_vaults
from benchmarks.recall.train import NOW, name_of
from recollect.domain.recall import RecallRequest
from recollect.recall import gate_weights as current
from recollect.recall.answer import answer
from recollect.recall.calibration import COSINES
from recollect.recall.gate import gate_evidence
from recollect.recall.plans import BALANCED
from recollect.recall.probes import unrelated_probes
from recollect.recall.query import read_query
from recollect.recall.ranking import rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.recall.offline import LoadedVault
    from recollect.recall.plans import Plan

WORDS = ("coverage", "unknown", "lexical", "named", "personal", "dated", "words")
MODELS: dict[str, tuple[str, ...]] = {
    "LEXICAL": WORDS,
    "DENSE": (*WORDS, "dense", "dense_mean"),
    "LATE": (*WORDS, "dense", "dense_mean", "late", "late_window"),
}
FALSE_SHARES = {"LEXICAL": 0.04, "DENSE": 0.01, "LATE": 0.008}
"""The share of the unrelated probes that the threshold lets through. Words alone would lose too much by less."""
STEPS = 1500
TARGET = Path(current.__file__)


@dataclass(frozen=True, slots=True)
class Sample:
    """``worth``: share of its evidence that was found, for a question; 1 for a probe."""

    group: str
    conversation: str
    kind: str
    evidence: dict[str, float]
    worth: float


def samples_of(vaults: Sequence[LoadedVault], data_set: str, plan: Plan, *, has_vectors: bool) -> list[Sample]:
    """Questions ("question"), probes to train against ("probe"), and those never seen ("unseen")."""
    samples = []
    for vault in vaults:
        external = {message.number: message.external_id for message in vault.conversation.messages}
        texts = [(question.text, "question", question.evidence) for question in vault.conversation.questions]
        texts += [(probe, "unseen", frozenset()) for probe in PROBES]
        texts += [(probe, "probe", frozenset()) for probe in unrelated_probes()]
        for text, kind, wanted in texts:
            embedding = vault.embeddings[text] if has_vectors else None
            query = read_query(text, vault.index.languages, NOW.date(), embedding)
            if query.is_small_talk:
                continue
            ranking = rank(vault.index, query, plan, np.ones(len(vault.index.layout), np.bool_))
            worth = 1.0
            if wanted:
                request = RecallRequest(text, max_tokens=500, now=NOW, threshold=0.0)
                found = answer(vault.index, request, embedding, None)
                worth = len({external[one.number] for one in found.selected} & wanted) / len(wanted)
            evidence = gate_evidence(vault.index, query, ranking)
            samples.append(Sample(data_set, vault.conversation.id, kind, evidence, worth))
    return samples


def fit(samples: Sequence[Sample], names: Sequence[str]) -> NDArray[np.float64]:
    """Logistic regression (Adam, slight decay) on standardised signals; weights in their raw units, bias last."""
    matrix, mean, spread = _standardised(samples, names)
    wanted = np.array([one.kind == "question" for one in samples], np.float64)
    importance = _importance(samples)
    weights = np.zeros(len(names) + 1)
    momentum, scale = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        guess = 1 / (1 + np.exp(-matrix @ weights))
        gradient = matrix.T @ (importance * (guess - wanted)) + 0.01 * np.r_[weights[:-1], 0]
        momentum = 0.9 * momentum + 0.1 * gradient
        scale = 0.999 * scale + 0.001 * gradient**2
        weights -= 0.05 * (momentum / (1 - 0.9**step)) / (np.sqrt(scale / (1 - 0.999**step)) + 1e-8)
    raw = weights[:-1] / spread
    return np.append(raw, weights[-1] - float(raw @ mean))


def scores_of(samples: Sequence[Sample], names: Sequence[str], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bias and weighted signals of each sample."""
    matrix = np.array([[one.evidence[name] for name in names] for one in samples])
    return np.asarray(matrix @ weights[:-1] + weights[-1], np.float64)


def held_out(samples: Sequence[Sample], names: Sequence[str], share: float) -> NDArray[np.float64]:
    """Scores by models that never saw the sample's conversation, their thresholds at 0."""
    conversations = sorted({(one.group, one.conversation) for one in samples})
    scores = np.zeros(len(samples))
    for fold in range(5):
        held = set(conversations[fold::5])
        seen = [one for one in samples if (one.group, one.conversation) not in held and one.kind != "unseen"]
        weights = fit(seen, names)
        inside = [index for index, one in enumerate(samples) if (one.group, one.conversation) in held]
        scores[inside] = scores_of([samples[index] for index in inside], names, weights) - _limit(
            seen, names, weights, share
        )
    return scores


def report(title: str, samples: Sequence[Sample], scores: NDArray[np.float64]) -> None:
    """What the gate lets through."""
    is_open = scores >= 0
    for group in sorted({one.group for one in samples}):
        rows = [(index, one) for index, one in enumerate(samples) if one.group == group]
        asked = [(one.worth, is_open[index]) for index, one in rows if one.kind == "question"]
        lost = 100 * sum(worth for worth, opened in asked if not opened) / sum(worth for worth, _ in asked)
        false = {
            kind: 100 * np.mean([is_open[i] for i, one in rows if one.kind == kind]) for kind in ("probe", "unseen")
        }
        print(f"{title:10} {group:10} recall lost {lost:4.1f} %, probes let through {false['probe']:4.1f} %, "
              f"unseen ones {false['unseen']:4.1f} %")  # fmt: skip


def _limit(samples: Sequence[Sample], names: Sequence[str], weights: NDArray[np.float64], share: float) -> float:
    probes = [one for one in samples if one.kind == "probe"]
    return float(np.quantile(scores_of(probes, names, weights), 1 - share))


def _standardised(
    samples: Sequence[Sample], names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    matrix = np.array([[one.evidence[name] for name in names] for one in samples])
    mean, spread = matrix.mean(axis=0), matrix.std(axis=0) + 1e-9
    return np.c_[(matrix - mean) / spread, np.ones(len(matrix))], mean, spread


def _importance(samples: Sequence[Sample]) -> NDArray[np.float64]:
    keys = [(one.group, one.kind) for one in samples]
    totals = {key: sum(one.worth for one, own in zip(samples, keys, strict=True) if own == key) for key in set(keys)}
    return np.array([one.worth / totals[key] / len(totals) for one, key in zip(samples, keys, strict=True)])


def cosines_of(samples: Sequence[Sample]) -> tuple[list[float], list[float]]:
    """Means and spreads of the cosines over the unrelated probes: the scale that other models are put on."""
    rows = np.array([[one.evidence[name] for name in COSINES] for one in samples if one.kind == "probe"])
    means, spreads = rows.mean(axis=0).round(4), rows.std(axis=0).round(4)
    return means.tolist(), spreads.tolist()


def source_of(tables: dict[str, dict[str, float]], scale: tuple[list[float], list[float]], command: str) -> str:
    """The module that holds the weights."""
    lines = ['"""The gate\'s logistic models, learned by:', "", f"    {command}", "", "Do not edit: run the command."]
    lines += ['"""', "", "from __future__ import annotations", "", "from types import MappingProxyType", ""]
    lines += [f'CALIBRATED_MODEL = "{current.CALIBRATED_MODEL}"']
    for name, values in zip(("UNRELATED_MEANS", "UNRELATED_SPREADS"), scale, strict=True):
        lines += ["", f"{name} = ({', '.join(map(str, values))})"]
    for name, table in tables.items():
        lines += ["", f"{name} = MappingProxyType(", "    {"]
        lines += [f'        "{signal}": {weight},' for signal, weight in table.items()]
        lines += ["    }", ")"]
    return "\n".join(lines) + "\n"


async def load_all(paths: Sequence[Path]) -> dict[str, list[LoadedVault]]:
    """The data sets by name, with the vectors of the probes."""
    queries = (*PROBES, *unrelated_probes())
    return {name_of(path): await load_vaults(path, extra_queries=queries) for path in paths}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    args = parser.parse_args()
    loaded = asyncio.run(load_all(args.data))
    without_late = replace(BALANCED, late_candidates=0)
    plans = {"LEXICAL": (without_late, False), "DENSE": (without_late, True), "LATE": (BALANCED, True)}
    tables = {}
    scale: tuple[list[float], list[float]] = ([], [])
    for title, names in MODELS.items():
        plan, has_vectors = plans[title]
        samples = [
            sample
            for name, vaults in loaded.items()
            for sample in samples_of(vaults, name, plan, has_vectors=has_vectors)
        ]
        scale = cosines_of(samples) if title == "DENSE" else scale
        report(title, samples, held_out(samples, names, FALSE_SHARES[title]))
        seen = [one for one in samples if one.kind != "unseen"]
        weights = fit(seen, names)
        weights[-1] -= _limit(seen, names, weights, FALSE_SHARES[title])
        tables[title] = dict(zip((*names, "bias"), (round(float(one), 3) for one in weights), strict=True))
    if args.write:
        command = "python -m benchmarks.recall.train_gate --write " + " ".join(path.name for path in args.data)
        TARGET.write_text(source_of(tables, scale, command))


if __name__ == "__main__":
    main()
