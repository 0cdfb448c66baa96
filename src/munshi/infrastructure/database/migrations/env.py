"""Run by Alembic: one transaction on the connection that `migrate` hands over."""

from alembic import context

from munshi.infrastructure.database.migrations import VERSION_TABLE
from munshi.infrastructure.database.models import metadata

config = context.config
connection = config.attributes.get("connection")

if connection is None:
    context.configure(
        dialect_name=config.get_main_option("dialect"),
        output_buffer=config.output_buffer,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        literal_binds=True,
    )
else:
    context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
