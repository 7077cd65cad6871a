"""The weights that fuse the signals, learned by:

    python -m benchmarks.recall.train --write locomo-dev.jsonl.gz realtalk-dev.jsonl.gz beam-dev.jsonl.gz

Do not edit: run the command.
"""

from __future__ import annotations

from types import MappingProxyType

LEXICAL = MappingProxyType(
    {
        "lexical": 0.368,
        "near_window": 0.016,
        "wide_window": 0.392,
        "answers": 0.137,
        "session": 0.149,
        "speaker": 0.093,
        "other_speaker": -0.093,
        "date": 0.483,
        "asks": -0.043,
        "instructs": 0.228,
        "user_role": 0.009,
        "opens": 0.169,
        "user_opens": 0.382,
        "dated": 0.081,
        "when_dated": 0.116,
        "counted": 0.162,
        "length": 0.161,
        "recency": -0.104,
    }
)

DENSE = MappingProxyType(
    {
        "lexical": 0.221,
        "near_window": -0.009,
        "wide_window": 0.347,
        "answers": 0.131,
        "session": 0.128,
        "speaker": 0.045,
        "other_speaker": -0.045,
        "date": 0.478,
        "asks": -0.044,
        "instructs": 0.249,
        "user_role": 0.119,
        "opens": 0.187,
        "user_opens": 0.287,
        "dated": 0.077,
        "when_dated": 0.131,
        "counted": 0.146,
        "length": 0.319,
        "recency": -0.097,
        "dense": 0.571,
        "dense_before": 0.029,
        "dense_behind": 0.075,
    }
)

LATE = MappingProxyType(
    {
        "lexical": 0.062,
        "near_window": -0.101,
        "wide_window": 0.287,
        "answers": 0.087,
        "session": 0.054,
        "speaker": 0.061,
        "other_speaker": -0.061,
        "date": 0.498,
        "asks": -0.044,
        "instructs": 0.209,
        "user_role": 0.145,
        "opens": 0.221,
        "user_opens": 0.294,
        "dated": 0.057,
        "when_dated": 0.112,
        "counted": 0.116,
        "length": 0.072,
        "recency": -0.116,
        "dense": -0.009,
        "dense_before": 0.033,
        "dense_behind": 0.062,
        "late": 0.421,
        "late_window": 0.314,
        "answers_late": 0.065,
        "late_session": 0.097,
        "novelty": 0.148,
        "feedback": 0.092,
    }
)
