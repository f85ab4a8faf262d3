"""Tests of the stations: accept and file, through the real database."""
