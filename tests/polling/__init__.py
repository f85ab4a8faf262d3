"""Mailboxes that are polled, on a real Dovecot: the connection, the rounds, the pollers."""
