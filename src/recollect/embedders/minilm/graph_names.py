"""What the graph's inputs are called, and how wide its output is."""

from __future__ import annotations

INPUTS = ("input_ids", "attention_mask")
OUTPUT = "token_states"
WIDTH = 384
