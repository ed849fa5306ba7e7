"""pdfs are kept

The PDF of an issued document is kept encrypted after it was first read, so that no later reader costs a call.
"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade():
    big = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.create_table('document_pdf',
        sa.Column('id', big, nullable=False),
        sa.Column('uid', sa.String(length=32), nullable=False),
        sa.Column('document_id', big, nullable=False),
        sa.Column('copy', sa.String(length=10), nullable=False),
        sa.Column('number', sa.String(length=60), nullable=False),
        sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('content_sealed', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('document_id', 'copy')
    )
    op.create_index('ix_document_pdf_kept_at', 'document_pdf', ['kept_at'])


def downgrade():
    op.drop_table('document_pdf')
