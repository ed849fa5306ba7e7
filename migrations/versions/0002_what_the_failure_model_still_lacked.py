"""what the failure model still lacked"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('knock',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('store_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('door', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('knock', schema=None) as batch_op:
        batch_op.create_index('ix_knock_door', ['store_id', 'door', 'at'], unique=False)

    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('probe_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('failures', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('down_since', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('compared_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('store', schema=None) as batch_op:
        batch_op.add_column(sa.Column('lost_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('hooks_problem_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('unheard', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('unheard_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('combed_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('reconcile_lease_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f('ix_store_unheard_at'), ['unheard_at'], unique=False)

    # from now on its silence counts
    op.execute("UPDATE store SET lost_at = CURRENT_TIMESTAMP WHERE state = 'reauthorise'")



def downgrade():
    with op.batch_alter_table('store', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_store_unheard_at'))
        batch_op.drop_column('reconcile_lease_until')
        batch_op.drop_column('combed_at')
        batch_op.drop_column('unheard_at')
        batch_op.drop_column('unheard')
        batch_op.drop_column('hooks_problem_at')
        batch_op.drop_column('lost_at')

    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_column('compared_at')
        batch_op.drop_column('down_since')
        batch_op.drop_column('failures')
        batch_op.drop_column('probe_until')

    with op.batch_alter_table('knock', schema=None) as batch_op:
        batch_op.drop_index('ix_knock_door')

    op.drop_table('knock')
