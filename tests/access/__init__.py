"""Who comes in, and who sees what."""
