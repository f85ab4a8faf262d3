"""Text to team: train, predict, explain, evaluate. Values in, values out, apart from model files."""
