"""What the routing package promises."""
