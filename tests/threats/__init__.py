"""The threats of the plan, each a test named after its number, and campaigns of forged replies."""
