"""decisions of the merchant

The settings held what the merchant had answered once: `exceptions` (by SKU), `gift_cards` and `on_tax_difference` (by
cause). Each answer becomes a row without a day and an author, which nobody recorded. The settings keep them, unread by the
new code, for old code that still serves.
"""

import json

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

KINDS = {'exceptions': 'product-tax', 'on_tax_difference': 'tax-difference'}


def upgrade():
    big = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    decision = op.create_table('decision',
    sa.Column('id', big, nullable=False),
    sa.Column('account_id', big, nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('subject', sa.String(length=400), nullable=False),
    sa.Column('answer', sa.String(length=200), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('document_id', big, nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(length=20), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('decision', schema=None) as batch_op:
        batch_op.create_index('ix_decision_account', ['account_id', 'revoked_at'], unique=False)

    rows = [
        {'account_id': account_id, 'kind': kind, 'subject': subject, 'answer': answer, 'facts': {}, 'decided_by': ''}
        for account_id, stored in op.get_bind().execute(sa.text('SELECT id, settings FROM account ORDER BY id')).all()
        for kind, subject, answer in answers(json.loads(stored) if isinstance(stored, str) else stored or {})
    ]
    if rows:
        op.bulk_insert(decision, rows)


def answers(settings):
    for name, kind in KINDS.items():
        for subject, answer in (settings.get(name) or {}).items():
            if answer and answer != 'stop':
                yield kind, subject, answer
    if settings.get('gift_cards'):
        yield 'gift-card', '*', settings['gift_cards']


def downgrade():
    op.drop_table('decision')
