"""The extractor that asks a language model."""

from recollect.extractors.llm.allowance import DailyTokens, Pace
from recollect.extractors.llm.asking import Asker
from recollect.extractors.llm.extractor import MOST_CALLS, LlmExtractor
from recollect.extractors.llm.prompt import Wishes

__all__ = [
    "MOST_CALLS",
    "Asker",
    "DailyTokens",
    "LlmExtractor",
    "Pace",
    "Wishes",
]
