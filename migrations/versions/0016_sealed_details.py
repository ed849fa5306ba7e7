"""sealed details

What was still stored in clear is encrypted from now on, and the rest by `flask reseal`: longer columns for it, the marks
by which buyers and their links are found, and when an account was disconnected. The columns are only added or widened:
the old code goes on meanwhile.
"""

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

WIDER = (('store', 'email', 200), ('sale', 'order_digest', 64), ('document', 'order_digest', 64), ('document', 'link_token', 32))


def upgrade():
    op.add_column('document', sa.Column('buyer_marks', sa.String(), server_default='', nullable=False))
    op.add_column('document', sa.Column('link_hash', sa.String(64), nullable=True))
    op.create_index('ix_document_link_hash', 'document', ['link_hash'], unique=True)
    op.add_column('vat_number', sa.Column('number', sa.Text(), server_default='', nullable=False))
    op.add_column('account', sa.Column('disconnected_at', sa.DateTime(timezone=True), nullable=True))
    for table, column, length in WIDER:
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(column, type_=sa.Text(), existing_type=sa.String(length))


def downgrade():
    op.drop_column('account', 'disconnected_at')
    op.drop_column('vat_number', 'number')
    op.drop_index('ix_document_link_hash', 'document')
    op.drop_column('document', 'link_hash')
    op.drop_column('document', 'buyer_marks')
