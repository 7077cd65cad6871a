"""Anthropic's own Messages API for clients of chat completions: caching, thinking and strict tools work there."""
