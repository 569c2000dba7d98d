"""What Alembic runs for each step: over the connection that database.py gives it."""

from alembic import context

from drawdown.history.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
