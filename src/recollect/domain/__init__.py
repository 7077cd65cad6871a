"""The nouns of a memory gateway: frozen values, standard library only."""
