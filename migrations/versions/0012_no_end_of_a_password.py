"""no end of a password

The last four characters of every secret were kept to be shown. They stay only of keys that a provider generates with a
fixed length; of a PHC GO password or token they go.
"""

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade():
    connection = op.get_bind()
    account = sa.table('account', sa.column('id'), sa.column('provider'), sa.column('tails', sa.JSON))
    for number, tails in connection.execute(
        sa.select(account.c.id, account.c.tails).where(account.c.provider == 'phcgo')
    ).all():
        kept = {name: ['', day] for name, (_, day) in (tails or {}).items()}
        connection.execute(account.update().where(account.c.id == number).values(tails=kept))


def downgrade():
    pass
