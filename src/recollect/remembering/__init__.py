"""From what extractors found to what is known of a vault, and how sessions are extracted."""
