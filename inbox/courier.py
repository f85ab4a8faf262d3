"""Couriers: the threads of a node that carry outbox items to the smarthost."""
