"""Tests of the store, on SQLite and on PostgreSQL: two doors, queue, search, lists."""
