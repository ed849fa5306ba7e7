"""the stores take turns"""

from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade():
    op.create_index('ix_hook_turn', 'hook', ['state', 'store_id', 'id'])
    op.drop_index('ix_hook_state', 'hook')
    op.create_index('ix_follow_up_turn', 'follow_up', ['state', 'store_id', 'not_before'])
    op.drop_index('ix_follow_up_due', 'follow_up')


def downgrade():
    op.create_index('ix_follow_up_due', 'follow_up', ['state', 'not_before'])
    op.drop_index('ix_follow_up_turn', 'follow_up')
    op.create_index('ix_hook_state', 'hook', ['state', 'id'])
    op.drop_index('ix_hook_turn', 'hook')
