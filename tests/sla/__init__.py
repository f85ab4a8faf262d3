"""Clocks of stored threads: filing, desk, tick and the commands."""
