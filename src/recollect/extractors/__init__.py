"""Messages to memories: one promise (:mod:`recollect.extractors.base`), one module per extractor."""
