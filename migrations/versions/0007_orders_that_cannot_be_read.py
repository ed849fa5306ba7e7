"""orders that cannot be read, and the proof of a VAT number

Rows of a shop's order list without an id, a date, an amount or a status are set aside instead of stopping the others.
What VIES answered is kept with the document that relied on it, with VIES's number of the consultation.
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('unreadable_order',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('store_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('key', sa.String(length=60), nullable=False),
        sa.Column('order_id', sa.String(length=40), nullable=False),
        sa.Column('status', sa.String(length=12), nullable=False),
        sa.Column('fields', sa.String(length=60), nullable=False),
        sa.Column('total', sa.BigInteger(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('store_id', 'key')
    )
    op.create_index('ix_unreadable_order_seen', 'unreadable_order', ['store_id', 'seen_at'])
    with op.batch_alter_table('vat_number', schema=None) as batch_op:
        batch_op.add_column(sa.Column('consultation', sa.String(length=40), server_default='', nullable=False))
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.add_column(sa.Column('vat_check_sealed', sa.LargeBinary(), nullable=True))


def downgrade():
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.drop_column('vat_check_sealed')
    with op.batch_alter_table('vat_number', schema=None) as batch_op:
        batch_op.drop_column('consultation')
    op.drop_table('unreadable_order')
