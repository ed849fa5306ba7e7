"""distance sales are found

The documents that may count towards the limit of distance sales get an index of their own, so that the pages need not
read the documents of two years.
"""

import sqlalchemy as sa
from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade():
    op.create_index('ix_document_distance', 'document', ['store_id', 'issued_on'],
                    postgresql_where=sa.text("is_distance_sale OR kind = 'NC'"),
                    sqlite_where=sa.text("is_distance_sale = 1 OR kind = 'NC'"))


def downgrade():
    op.drop_index('ix_document_distance', 'document')
