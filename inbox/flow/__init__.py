"""Stations: use-cases that open exactly the transactions they name."""
