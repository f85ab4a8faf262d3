"""Clocks and what they set off: targets, ladders, follow-ups, handoffs."""
