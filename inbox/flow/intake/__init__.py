"""The ways in: accept, file, poll; and mail that needs care."""
