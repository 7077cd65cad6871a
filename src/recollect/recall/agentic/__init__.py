"""Recall by a language model that browses a vault with tools."""

from recollect.recall.agentic.browser import Bounds
from recollect.recall.agentic.recaller import AgenticRecaller

__all__ = ["AgenticRecaller", "Bounds"]
