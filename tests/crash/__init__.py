"""Tests that kill the program at every step of a mail, and fill its disk."""
