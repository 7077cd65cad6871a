"""Chat completions for clients of providers that have the Responses API only."""
