"""What a model's cosines are worth: every embedder has a scale of its own, which the gate has to know.

Questions that have nothing to do with a vault show how near "unrelated" is for a model. Cosines are then read as
distances from there, in standard deviations, and put on the scale of the model that the gate's weights were learned
with: ``reference mean + (cosine - mean) / spread · reference spread``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from recollect.errors import SettingsError
from recollect.recall import gate_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COSINES = ("dense", "dense_mean")
"""The gate's signals that are cosines."""
LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scale of one embedder: means and spreads of ``COSINES``, in that order, over unrelated questions."""

    model: str
    means: tuple[float, float]
    spreads: tuple[float, float]

    def applied(self, evidence: Mapping[str, float]) -> dict[str, float]:
        """The evidence with its cosines on the scale of the gate's weights."""
        scaled = dict(evidence)
        for place, name in enumerate(COSINES):
            if name in scaled:
                distance = (scaled[name] - self.means[place]) / self.spreads[place]
                scaled[name] = gate_weights.UNRELATED_MEANS[place] + distance * gate_weights.UNRELATED_SPREADS[place]
        return scaled

    def write(self, path: Path) -> None:
        """Keep it for the gateway's next start."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The one that was kept there; None where there is none. SettingsError where the file holds anything else."""
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            first, second = map(float, found["means"])
            third, fourth = map(float, found["spreads"])
            return cls(str(found["model"]), (first, second), (max(third, LEAST_SPREAD), max(fourth, LEAST_SPREAD)))
        except (OSError, ValueError, TypeError, LookupError) as error:
            message = f"{path}: is no calibration; delete it, or make it anew by `recollect eval self --calibrate`."
            raise SettingsError(message) from error


def is_calibrated(model: str) -> bool:
    """The gate's weights were learned with this model: it needs no calibration."""
    return model.startswith(gate_weights.CALIBRATED_MODEL)
