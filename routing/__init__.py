"""Decisions as pure functions: rules, facts, teams; no database, no sockets, no clock."""
