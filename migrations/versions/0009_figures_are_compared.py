"""figures are compared

What a provider states of a document, and what its documents have proved about an account. Existing accounts have proved
nothing: their next document of each series goes alone, once. Old code that still serves neither compares nor waits.
"""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade():
    moment = sa.DateTime(timezone=True)
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('proved', sa.JSON(), server_default='[]', nullable=False))
        batch_op.add_column(sa.Column('proved_at', moment, nullable=True))
        batch_op.add_column(sa.Column('first_document_id', number, nullable=True))
        batch_op.add_column(sa.Column('differs_document_id', number, nullable=True))
        batch_op.add_column(sa.Column('differs_at', moment, nullable=True))
        batch_op.add_column(sa.Column('accepted_readings', sa.JSON(), server_default='[]', nullable=False))
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.add_column(sa.Column('provider_vat', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('compared', sa.JSON(), nullable=True))


def downgrade():
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.drop_column('compared')
        batch_op.drop_column('provider_vat')
    with op.batch_alter_table('account', schema=None) as batch_op:
        for column in ('accepted_readings', 'differs_at', 'differs_document_id', 'first_document_id', 'proved_at',
                       'proved'):
            batch_op.drop_column(column)
