"""What Alembic runs: the connection comes from `inbox.store.schema`, never from a file."""

from alembic import context

from inbox.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
