"""Tests of the letters: raw mail in, values out."""
