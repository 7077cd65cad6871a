"""The weights that fuse the signals, learned by:

    python -m benchmarks.recall.train --write locomo-dev.jsonl.gz realtalk-dev.jsonl.gz beam-dev.jsonl.gz

Do not edit: run the command.
"""

from __future__ import annotations

from types import MappingProxyType

LEXICAL = MappingProxyType(
    {
        "lexical": 0.386,
        "near_window": 0.035,
        "wide_window": 0.378,
        "answers": 0.152,
        "session": 0.122,
        "speaker": 0.099,
        "other_speaker": -0.099,
        "date": 0.472,
        "asks": -0.044,
        "instructs": 0.221,
        "user_role": 0.3,
        "opens": 0.05,
        "user_opens": 0.1,
        "dated": 0.092,
        "when_dated": 0.089,
        "counted": 0.153,
        "length": 0.12,
        "recency": 0.02,
    }
)

DENSE = MappingProxyType(
    {
        "lexical": 0.24,
        "near_window": 0.013,
        "wide_window": 0.316,
        "answers": 0.146,
        "session": 0.127,
        "speaker": 0.063,
        "other_speaker": -0.063,
        "date": 0.46,
        "asks": -0.04,
        "instructs": 0.236,
        "user_role": 0.3,
        "opens": 0.05,
        "user_opens": 0.1,
        "dated": 0.085,
        "when_dated": 0.104,
        "counted": 0.148,
        "length": 0.251,
        "dense": 0.544,
        "dense_before": 0.021,
        "dense_behind": 0.099,
        "recency": 0.02,
    }
)

LATE = MappingProxyType(
    {
        "lexical": 0.065,
        "near_window": 0.0,
        "wide_window": 0.218,
        "answers": 0.113,
        "session": 0.02,
        "speaker": 0.073,
        "other_speaker": -0.073,
        "date": 0.501,
        "asks": -0.042,
        "instructs": 0.219,
        "user_role": 0.3,
        "opens": 0.05,
        "user_opens": 0.1,
        "dated": 0.07,
        "when_dated": 0.094,
        "counted": 0.123,
        "length": 0.002,
        "dense": 0.0,
        "dense_before": 0.0,
        "dense_behind": 0.075,
        "late": 0.414,
        "late_window": 0.262,
        "answers_late": 0.046,
        "late_session": 0.133,
        "novelty": 0.059,
        "feedback": 0.085,
        "recency": 0.02,
    }
)
