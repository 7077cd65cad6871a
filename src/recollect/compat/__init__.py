"""Drop-in replacements for other systems' clients."""
