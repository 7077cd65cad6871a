"""Who speaks an LLM API: registry as data, the HTTP upstream, the allow-list, the built-in model."""
