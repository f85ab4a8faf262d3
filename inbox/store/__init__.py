"""SQL, and nothing else: every statement of the product is in this room."""
