"""A self-evaluation as a picture: what is found, what the gate sees, and how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.recall.gate import DEFAULT_THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from matplotlib.axes import Axes

    from recollect.recall.self_evaluation import Outcome, SelfEvaluation

RANKS = (1, 5, 10)
BINS = [place / 20 for place in range(21)]


def draw(evaluation: SelfEvaluation, target: Path) -> None:
    """Write the picture; its kind follows from the file's ending."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - looks for the machine's fonts when it is first imported

    figure = Figure(figsize=(13, 4), layout="constrained")
    found, gate, times = figure.subplots(1, 3)
    _draw_found(found, evaluation)
    _draw_gate(gate, evaluation)
    took = [one.took_ms for one in (*evaluation.own, *evaluation.unrelated)]
    times.hist(took, bins=30, color="tab:gray")
    times.set(title="recall", xlabel="milliseconds", ylabel="questions")
    figure.savefig(target, dpi=120)


def _draw_found(panel: Axes, evaluation: SelfEvaluation) -> None:
    for kind, count in evaluation.kinds.items():
        shares = [100 * evaluation.found_at(rank, kind) for rank in RANKS]
        panel.plot(RANKS, shares, marker="o", label=f"{kind} ({count})")
    panel.set(title="its own messages found", xlabel="among the first", ylabel="%", ylim=(0, 103), xticks=RANKS)
    if evaluation.own:
        panel.legend()


def _draw_gate(panel: Axes, evaluation: SelfEvaluation) -> None:
    for label, outcomes in (("about the vault", evaluation.own), ("unrelated", evaluation.unrelated)):
        panel.hist(_relevances(outcomes), bins=BINS, alpha=0.6, label=label)
    panel.axvline(DEFAULT_THRESHOLD, color="black", linestyle="--", label="threshold")
    panel.set(title="what the gate sees", xlabel="relevance", ylabel="questions")
    panel.legend()


def _relevances(outcomes: Iterable[Outcome]) -> list[float]:
    return [one.relevance for one in outcomes if one.relevance is not None]
