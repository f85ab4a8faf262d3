"""Sending: the SMTP client, the outbox, couriers, composing and replying."""
