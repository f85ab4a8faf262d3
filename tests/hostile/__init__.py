"""Tests of mail that crashes, hangs or bloats a worker, through real worker processes."""
