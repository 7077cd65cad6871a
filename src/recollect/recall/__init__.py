"""Ranking: passages of a vault against a question."""
