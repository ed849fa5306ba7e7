"""the order that a document was made of

Both columns hold a digest of the order: as the document was made of it, and as it was last compared. Rows of the old
code have none, and are compared by their total alone.
"""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade():
    for table in ('document', 'sale'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('order_digest', sa.String(length=64), server_default='', nullable=False))


def downgrade():
    for table in ('document', 'sale'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column('order_digest')
