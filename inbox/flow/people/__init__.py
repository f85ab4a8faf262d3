"""Who owns, who may see, who is told."""
