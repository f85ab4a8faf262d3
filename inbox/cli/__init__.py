"""The face for terminals: thin commands over the stations."""
