"""Tests of the terminal's room."""
