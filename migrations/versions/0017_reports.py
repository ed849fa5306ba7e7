"""reports

The figures of a month: documents are found by their own date and by the day of their payment, their means of payment
and warnings are readable without their draft, and proofs of export and links for the accountant have their tables.
"""

import sqlalchemy as sa
from alembic import op


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade():
    big = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.create_index('ix_document_dated', 'document', ['store_id', 'issued_on'])
    op.create_index('ix_document_paid', 'document', ['store_id', 'paid_at'])
    op.create_table('document_payment',
    sa.Column('id', big, nullable=False),
    sa.Column('document_id', big, nullable=False),
    sa.Column('mechanism', sa.String(length=2), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id', 'mechanism')
    )
    op.create_table('document_warning',
    sa.Column('id', big, nullable=False),
    sa.Column('document_id', big, nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id', 'code')
    )
    op.create_table('export_proof',
    sa.Column('document_id', big, nullable=False),
    sa.Column('reference', sa.String(length=60), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
    sa.PrimaryKeyConstraint('document_id')
    )
    op.create_table('accountant_link',
    sa.Column('id', big, nullable=False),
    sa.Column('store_id', big, nullable=False),
    sa.Column('installation', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('secret_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('secret_hash')
    )
    op.create_index('ix_accountant_link_store_id', 'accountant_link', ['store_id'])
    with op.batch_alter_table('browser_session', schema=None) as batch_op:
        batch_op.add_column(sa.Column('accountant_link_id', big, nullable=True))
        batch_op.create_foreign_key('fk_browser_session_link', 'accountant_link', ['accountant_link_id'], ['id'])


def downgrade():
    with op.batch_alter_table('browser_session', schema=None) as batch_op:
        batch_op.drop_constraint('fk_browser_session_link', type_='foreignkey')
        batch_op.drop_column('accountant_link_id')
    op.drop_table('accountant_link')
    op.drop_table('export_proof')
    op.drop_table('document_warning')
    op.drop_table('document_payment')
    op.drop_index('ix_document_paid', 'document')
    op.drop_index('ix_document_dated', 'document')
