"""Recollect: a self-hosted, OpenAI-compatible memory gateway."""
