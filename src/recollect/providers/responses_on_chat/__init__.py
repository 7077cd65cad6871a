"""The Responses API for clients of providers that have chat completions only."""
