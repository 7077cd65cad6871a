"""The weights that fuse the signals, learned by:

    python -m benchmarks.recall.train --write locomo-dev.jsonl.gz realtalk-dev.jsonl.gz beam-dev.jsonl.gz

Do not edit: run the command.
"""

from __future__ import annotations

from types import MappingProxyType

LEXICAL = MappingProxyType(
    {
        "lexical": 0.367,
        "near_window": 0.031,
        "wide_window": 0.384,
        "answers": 0.146,
        "session": 0.129,
        "speaker": 0.099,
        "other_speaker": -0.099,
        "date": 0.466,
        "asks": -0.043,
        "instructs": 0.195,
        "user_role": 0.3,
        "opens": 0.05,
        "user_opens": 0.1,
        "dated": 0.09,
        "when_dated": 0.089,
        "counted": 0.128,
        "length": 0.111,
        "recency": 0.02,
    }
)

DENSE = MappingProxyType(
    {
        "lexical": 0.236,
        "near_window": 0.002,
        "wide_window": 0.33,
        "answers": 0.138,
        "session": 0.133,
        "speaker": 0.064,
        "other_speaker": -0.064,
        "date": 0.457,
        "asks": -0.037,
        "instructs": 0.221,
        "user_role": 0.3,
        "opens": 0.05,
        "user_opens": 0.1,
        "dated": 0.077,
        "when_dated": 0.112,
        "counted": 0.113,
        "length": 0.268,
        "dense": 0.528,
        "dense_before": 0.037,
        "dense_behind": 0.082,
        "recency": 0.02,
    }
)

LATE = MappingProxyType(
    {
        "lexical": 0.058,
        "near_window": 0.0,
        "wide_window": 0.22,
        "answers": 0.075,
        "session": 0.019,
        "speaker": 0.074,
        "other_speaker": -0.074,
        "date": 0.492,
        "asks": -0.036,
        "instructs": 0.197,
        "user_role": 0.3,
        "opens": 0.05,
        "user_opens": 0.1,
        "dated": 0.062,
        "when_dated": 0.095,
        "counted": 0.092,
        "length": 0.024,
        "dense": 0.0,
        "dense_before": 0.024,
        "dense_behind": 0.068,
        "late": 0.385,
        "late_window": 0.266,
        "answers_late": 0.072,
        "late_session": 0.127,
        "novelty": 0.103,
        "feedback": 0.127,
        "recency": 0.02,
    }
)
