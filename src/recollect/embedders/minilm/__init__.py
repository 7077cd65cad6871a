"""all-MiniLM-L6-v2 on onnxruntime, without torch: 384 dimensions, English first, 256 tokens."""

from __future__ import annotations

from recollect.embedders.minilm.loading import load_minilm
from recollect.embedders.minilm.model import MiniLM

__all__ = ["MiniLM", "load_minilm"]
