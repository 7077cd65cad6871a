"""The gate's logistic models, learned by:

    python -m benchmarks.recall.train_gate --write locomo-dev.jsonl.gz realtalk-dev.jsonl.gz beam-dev.jsonl.gz

Do not edit: run the command.
"""

from __future__ import annotations

from types import MappingProxyType

CALIBRATED_MODEL = "all-MiniLM-L6-v2"

UNRELATED_MEANS = (0.2099, 0.2269)

UNRELATED_SPREADS = (0.0998, 0.0848)

LEXICAL = MappingProxyType(
    {
        "coverage": 3.068,
        "unknown": -2.621,
        "lexical": 0.721,
        "named": 4.085,
        "personal": 1.997,
        "dated": 1.672,
        "words": 0.409,
        "bias": -5.261,
    }
)

DENSE = MappingProxyType(
    {
        "coverage": 1.959,
        "unknown": -1.567,
        "lexical": 0.305,
        "named": 2.632,
        "personal": 1.518,
        "dated": 1.353,
        "words": 0.259,
        "dense": 4.12,
        "dense_mean": 6.209,
        "bias": -7.576,
    }
)

LATE = MappingProxyType(
    {
        "coverage": 1.583,
        "unknown": -1.412,
        "lexical": 0.293,
        "named": 2.629,
        "personal": 1.608,
        "dated": 1.515,
        "words": 0.278,
        "dense": 3.546,
        "dense_mean": 5.595,
        "late": 2.255,
        "late_window": 2.53,
        "bias": -9.286,
    }
)
