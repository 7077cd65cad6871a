"""OpenTelemetry: a trace of every exchange, and metrics, by the semantic conventions for generative AI.

Needs the extra ``recollect[otel]``, and is imported only where the settings name an endpoint.
"""
