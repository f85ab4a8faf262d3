"""Schema migrations, run by `inbox.store.schema`."""
