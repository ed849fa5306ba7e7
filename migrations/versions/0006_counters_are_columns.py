"""counters are columns

The old code counted in other columns: how often a webhook was begun in its reason (`opening 3`), how often a follow-up
was taken in its detail (`takes`). Both are read over. Old code that still serves goes on counting where it did: at worst
it begins at one again.
"""

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table('hook', schema=None) as batch_op:
        batch_op.add_column(sa.Column('attempts', sa.Integer(), server_default='0', nullable=False))
    with op.batch_alter_table('follow_up', schema=None) as batch_op:
        batch_op.add_column(sa.Column('takes', sa.Integer(), server_default='0', nullable=False))

    op.execute(sa.text(
        "UPDATE hook SET attempts = CAST(substr(reason, 9) AS INTEGER), reason = ''"
        " WHERE state = 'new' AND reason LIKE 'opening %'"
    ))
    takes = "json_extract(detail, '$.takes')" if op.get_bind().dialect.name == 'sqlite' else "detail ->> 'takes'"
    op.execute(sa.text(
        f"UPDATE follow_up SET takes = CAST({takes} AS INTEGER) WHERE state = 'due' AND {takes} IS NOT NULL"
    ))


def downgrade():
    with op.batch_alter_table('follow_up', schema=None) as batch_op:
        batch_op.drop_column('takes')
    op.execute(sa.text(
        "UPDATE hook SET reason = 'opening ' || CAST(CASE WHEN attempts > 6 THEN 6 ELSE attempts END AS VARCHAR(1))"
        " WHERE state = 'new' AND attempts > 0"
    ))
    with op.batch_alter_table('hook', schema=None) as batch_op:
        batch_op.drop_column('attempts')
