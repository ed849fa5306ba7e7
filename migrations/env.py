"""Alembic's environment: the database, and the tables of `shopapp.models`. `flask release` runs it."""

from alembic import context
from sqlalchemy import create_engine, event
from sqlalchemy.types import TypeDecorator

from shopapp.models import db

target = db.metadatas[None]
url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
engine = create_engine(url)

if engine.dialect.name == "postgresql":

    @event.listens_for(engine, "connect")
    def _wait_briefly(connection, _):
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        connection.commit()


def plain(kind, item, autogen):
    """Name the database's own types in a migration, so that it stays true when our column types change."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return "sa." + repr(item.impl_instance)
    return False


with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=target,
        render_as_batch=engine.dialect.name == "sqlite",
        render_item=plain,
    )
    with context.begin_transaction():
        if (
            engine.dialect.name == "postgresql"
            and connection.exec_driver_sql("SELECT to_regclass('hook')").scalar()
        ):
            # a webhook that arrives now waits here and holds no other lock: else it and we could wait for each other
            connection.exec_driver_sql("LOCK TABLE hook IN ACCESS EXCLUSIVE MODE")
        context.run_migrations()
    connection.commit()
engine.dispose()
