"""accepted readings are listed

Beside the readings of our figures that the merchant has declared right: when, at which document, and until when.
"""

import sqlalchemy as sa
from alembic import op


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table('account') as batch_op:
        batch_op.add_column(sa.Column('reading_decisions', sa.JSON(), server_default='[]', nullable=False))


def downgrade():
    with op.batch_alter_table('account') as batch_op:
        batch_op.drop_column('reading_decisions')
