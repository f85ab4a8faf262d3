"""Tests of the net room: a real ingress, real sockets."""
