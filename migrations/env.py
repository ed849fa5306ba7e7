"""How Alembic reaches the database and our tables; run by `flask release` (shopapp.models.migrate)."""

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
    """A migration names the database's own types, so that it stays true when our column types change."""
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
            # a hook that comes meanwhile waits here, with nothing in hand: else it and we would wait for each other
            connection.exec_driver_sql("LOCK TABLE hook IN ACCESS EXCLUSIVE MODE")
        context.run_migrations()
    connection.commit()
engine.dispose()
