"""What can be asked afterwards: why, since when, is everything there."""
