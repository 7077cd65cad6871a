"""Text to vectors: one promise (:mod:`recollect.embedders.base`), one module per embedder."""
