"""Ranking: what of a vault is relevant to a question, and what of that is worth injecting."""
