"""Whole lives of threads, told as stories on a frozen clock."""
