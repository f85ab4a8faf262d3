"""Text to team: train, predict, explain, evaluate. Values in, values out, but for model files."""
