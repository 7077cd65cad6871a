"""The gate's logistic models, learned by:

    python -m benchmarks.recall.train_gate --write locomo-dev.jsonl.gz realtalk-dev.jsonl.gz beam-dev.jsonl.gz

Do not edit: run the command.
"""

from __future__ import annotations

from types import MappingProxyType

CALIBRATED_MODEL = "all-MiniLM-L6-v2"

LEXICAL = MappingProxyType(
    {
        "coverage": 3.373,
        "unknown": -2.958,
        "lexical": 0.909,
        "named": 3.432,
        "personal": 1.461,
        "dated": 2.24,
        "words": 0.446,
        "bias": -5.484,
    }
)

DENSE = MappingProxyType(
    {
        "coverage": 2.076,
        "unknown": -1.622,
        "lexical": 0.398,
        "named": 2.044,
        "personal": 1.008,
        "dated": 1.447,
        "words": 0.286,
        "dense": 5.048,
        "dense_mean": 6.85,
        "bias": -8.073,
    }
)

LATE = MappingProxyType(
    {
        "coverage": 1.507,
        "unknown": -1.457,
        "lexical": 0.415,
        "named": 2.1,
        "personal": 1.192,
        "dated": 1.666,
        "words": 0.317,
        "dense": 4.024,
        "dense_mean": 5.961,
        "late": 2.956,
        "late_window": 3.632,
        "bias": -10.055,
    }
)
