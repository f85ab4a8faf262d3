"""The face for browsers: reads through the store, writes through what it is handed."""
