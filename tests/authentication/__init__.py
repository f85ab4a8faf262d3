"""Who a mail is really from: signatures, relays, alignment, and what forgeries try."""
