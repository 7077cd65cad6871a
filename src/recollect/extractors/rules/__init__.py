"""Claims, entities and summaries without a language model."""

from recollect.extractors.rules.extractor import RuleExtractor, extract

__all__ = ["RuleExtractor", "extract"]
