"""Tests of what stands around `routing`: rule files in force, explained, replayed, compared."""
