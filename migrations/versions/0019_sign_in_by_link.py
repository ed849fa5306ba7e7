"""sign-in by a link, and long sessions

Merchants whose shop never frames the app sign in by a link to the shop's address, and stay signed in for weeks.
"""

import sqlalchemy as sa
from alembic import op


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade():
    big = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.add_column('browser_session',
                  sa.Column('is_long', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table('sign_in_request',
    sa.Column('id', big, nullable=False),
    sa.Column('platform', sa.String(length=20), nullable=False),
    sa.Column('address', sa.String(length=253), nullable=False),
    sa.Column('browser', sa.String(length=40), nullable=False),
    sa.Column('browser_hash', sa.String(length=64), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('store_id', big, nullable=True),
    sa.Column('installation', sa.Integer(), nullable=True),
    sa.Column('secret_hash', sa.String(length=64), nullable=True),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('secret_hash')
    )
    op.create_index('ix_sign_in_request_due', 'sign_in_request', ['id'],
                    postgresql_where=sa.text('done_at IS NULL'), sqlite_where=sa.text('done_at IS NULL'))
    op.create_index('ix_sign_in_request_store_id', 'sign_in_request', ['store_id'])


def downgrade():
    op.drop_table('sign_in_request')
    op.drop_column('browser_session', 'is_long')
