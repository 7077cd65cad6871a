"""Claims, entities and summaries without a language model."""

from recollect.extractors.rules.extractor import RuleExtractor, extract
from recollect.extractors.rules.profile import profile

__all__ = ["RuleExtractor", "extract", "profile"]
