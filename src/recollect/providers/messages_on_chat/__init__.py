"""Anthropic's Messages API for clients of providers that have chat completions."""
