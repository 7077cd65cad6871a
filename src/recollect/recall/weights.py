"""The weights that fuse the signals, learned by:

    python -m benchmarks.recall.train --write locomo-dev.jsonl.gz realtalk-dev.jsonl.gz beam-dev.jsonl.gz

Do not edit: run the command.
"""

from __future__ import annotations

from types import MappingProxyType

LEXICAL = MappingProxyType(
    {
        "lexical": 0.36,
        "near_window": 0.033,
        "wide_window": 0.369,
        "answers": 0.127,
        "session": 0.189,
        "speaker": 0.091,
        "other_speaker": -0.091,
        "date": 0.432,
        "asks": -0.044,
        "instructs": 0.2,
        "user_role": 0.076,
        "opens": 0.4,
        "user_opens": 0.252,
        "dated": 0.079,
        "when_dated": 0.093,
        "counted": 0.125,
        "length": 0.143,
        "recency": 0.02,
    }
)

DENSE = MappingProxyType(
    {
        "lexical": 0.221,
        "near_window": 0.016,
        "wide_window": 0.317,
        "answers": 0.12,
        "session": 0.179,
        "speaker": 0.049,
        "other_speaker": -0.049,
        "date": 0.429,
        "asks": -0.047,
        "instructs": 0.208,
        "user_role": 0.123,
        "opens": 0.494,
        "user_opens": 0.225,
        "dated": 0.072,
        "when_dated": 0.11,
        "counted": 0.117,
        "length": 0.286,
        "dense": 0.55,
        "dense_before": 0.03,
        "dense_behind": 0.059,
        "recency": 0.02,
    }
)

LATE = MappingProxyType(
    {
        "lexical": 0.072,
        "near_window": -0.088,
        "wide_window": 0.264,
        "answers": 0.081,
        "session": 0.091,
        "speaker": 0.065,
        "other_speaker": -0.065,
        "date": 0.458,
        "asks": -0.047,
        "instructs": 0.177,
        "user_role": 0.138,
        "opens": 0.455,
        "user_opens": 0.265,
        "dated": 0.052,
        "when_dated": 0.095,
        "counted": 0.091,
        "length": 0.035,
        "dense": -0.02,
        "dense_before": 0.039,
        "dense_behind": 0.056,
        "late": 0.409,
        "late_window": 0.298,
        "answers_late": 0.06,
        "late_session": 0.098,
        "novelty": 0.15,
        "feedback": 0.101,
        "recency": 0.02,
    }
)
