"""the first tables"""

import sqlalchemy as sa
from alembic import op


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade():

    op.create_table('pulse',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('beat_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('note', sa.String(length=400), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('store',
    sa.Column('platform', sa.String(length=20), nullable=False),
    sa.Column('code', sa.String(length=100), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('timezone', sa.String(length=60), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('email', sa.String(length=200), nullable=False),
    sa.Column('url', sa.String(length=300), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('installation', sa.Integer(), nullable=False),
    sa.Column('installed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('uninstalled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ready_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('hook_key', sa.String(length=43), nullable=False),
    sa.Column('hooks_token_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('hooks_token_read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('access_token_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('refresh_token_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('token_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('token_lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('hooks_checked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('hooks_lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('hooks_problem', sa.String(length=40), nullable=False),
    sa.Column('refused_hooks', sa.Integer(), nullable=False),
    sa.Column('reconciled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('hook_key'),
    sa.UniqueConstraint('platform', 'code')
    )
    with op.batch_alter_table('store', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_store_hooks_checked_at'), ['hooks_checked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_store_reconciled_at'), ['reconciled_at'], unique=False)

    op.create_table('ticket',
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('secret_hash', sa.String(length=64), nullable=False),
    sa.Column('bound_hash', sa.String(length=64), nullable=False),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('secret_hash')
    )
    with op.batch_alter_table('ticket', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ticket_expires_at'), ['expires_at'], unique=False)

    op.create_table('vat_number',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('mark', sa.String(length=32), nullable=False),
    sa.Column('valid', sa.Boolean(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('mark')
    )
    op.create_table('account',
    sa.Column('store_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('provider', sa.String(length=20), nullable=False),
    sa.Column('credentials_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('tails', sa.JSON(), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('label', sa.String(length=200), nullable=False),
    sa.Column('nif', sa.String(length=20), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('choices', sa.JSON(), nullable=False),
    sa.Column('settings', sa.JSON(), nullable=False),
    sa.Column('active_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('active_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refused_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refused_code', sa.String(length=40), nullable=False),
    sa.Column('refused_detail', sa.JSON(), nullable=False),
    sa.Column('paused_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('pauses', sa.Integer(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_store_id'), ['store_id'], unique=False)

    op.create_table('hook',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('store_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('body_hash', sa.String(length=64), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('copies', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('order_id', sa.String(length=40), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('store_id', 'event', 'body_hash')
    )
    with op.batch_alter_table('hook', schema=None) as batch_op:
        batch_op.create_index('ix_hook_order', ['store_id', 'order_id'], unique=False)
        batch_op.create_index('ix_hook_state', ['state', 'id'], unique=False)

    op.create_table('sale',
    sa.Column('store_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('order_id', sa.String(length=40), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('ordered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paid_source', sa.String(length=12), nullable=False),
    sa.Column('first_paid_hook_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('store_id', 'order_id')
    )
    with op.batch_alter_table('sale', schema=None) as batch_op:
        batch_op.create_index('ix_sale_store_paid', ['store_id', 'paid_at'], unique=False)

    op.create_table('document',
    sa.Column('store_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('order_id', sa.String(length=40), nullable=False),
    sa.Column('cause', sa.String(length=20), nullable=False),
    sa.Column('reference', sa.String(length=60), nullable=False),
    sa.Column('original_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('kind', sa.String(length=2), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('alarm', sa.String(length=30), nullable=False),
    sa.Column('alarm_detail', sa.JSON(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('takes', sa.Integer(), nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('corrections_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('asked_for_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('draft_text_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('draft_hash', sa.String(length=64), nullable=False),
    sa.Column('frozen', sa.Boolean(), nullable=False),
    sa.Column('draft_id', sa.String(length=80), nullable=True),
        sa.Column('promise', sa.String(length=10), nullable=False),
        sa.Column('doubted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('provider_id', sa.String(length=80), nullable=False),
    sa.Column('number', sa.String(length=60), nullable=True),
    sa.Column('series', sa.String(length=40), nullable=False),
    sa.Column('atcud', sa.String(length=60), nullable=False),
    sa.Column('pdf_url', sa.String(length=500), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=True),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_by', sa.String(length=10), nullable=False),
    sa.Column('net', sa.BigInteger(), nullable=True),
    sa.Column('vat', sa.BigInteger(), nullable=True),
    sa.Column('total', sa.BigInteger(), nullable=True),
    sa.Column('provider_total', sa.BigInteger(), nullable=True),
    sa.Column('provider_state', sa.String(length=40), nullable=False),
    sa.Column('provider_state_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('buyer_folded', sa.String(length=200), nullable=False),
    sa.Column('tax_id_mark', sa.String(length=32), nullable=False),
    sa.Column('buyer_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('link_token', sa.String(length=32), nullable=False),
    sa.Column('link_revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.ForeignKeyConstraint(['original_id'], ['document.id'], ),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('account_id', 'number'),
    sa.UniqueConstraint('link_token'),
    sa.UniqueConstraint('reference'),
    sa.UniqueConstraint('store_id', 'order_id', 'cause')
    )
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.create_index('ix_document_buyer', ['store_id', 'tax_id_mark'], unique=False)
        batch_op.create_index('ix_document_changed', ['store_id', 'changed_at'], unique=False)
        batch_op.create_index('ix_document_due', ['state', 'not_before'], unique=False)
        batch_op.create_index('ix_document_issued', ['store_id', 'issued_at'], unique=False)
        batch_op.create_index('ix_document_listed', ['store_id', 'id'], unique=False)
        batch_op.create_index('ix_document_number', ['store_id', 'number'], unique=False)
        batch_op.create_index('ix_document_state', ['store_id', 'state', 'id'], unique=False)

    op.create_table('attempt',
    sa.Column('document_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('draft_hash', sa.String(length=64), nullable=False),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(length=12), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('answer_hash', sa.String(length=64), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id', 'number')
    )
    op.create_table('document_line',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('document_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('ref', sa.String(length=60), nullable=False),
    sa.Column('sku', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('quantity', sa.String(length=32), nullable=False),
    sa.Column('unit_price_net', sa.String(length=32), nullable=False),
    sa.Column('discount_percent', sa.String(length=32), nullable=False),
    sa.Column('region', sa.String(length=6), nullable=False),
    sa.Column('vat_rate', sa.String(length=32), nullable=False),
    sa.Column('tax_code', sa.String(length=3), nullable=False),
    sa.Column('exemption_code', sa.String(length=3), nullable=False),
    sa.Column('exemption_mention', sa.String(length=120), nullable=False),
    sa.Column('net', sa.BigInteger(), nullable=False),
    sa.Column('vat', sa.BigInteger(), nullable=False),
    sa.Column('gross', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('document_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_document_line_document_id'), ['document_id'], unique=False)

    op.create_table('follow_up',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('store_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('document_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('owed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id', 'kind', 'number')
    )
    with op.batch_alter_table('follow_up', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_follow_up_document_id'), ['document_id'], unique=False)
        batch_op.create_index('ix_follow_up_due', ['state', 'not_before'], unique=False)
        batch_op.create_index(batch_op.f('ix_follow_up_store_id'), ['store_id'], unique=False)

    op.create_table('move',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('document_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('old', sa.String(length=10), nullable=False),
    sa.Column('new', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('by', sa.String(length=10), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('move', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_move_document_id'), ['document_id'], unique=False)




def downgrade():

    with op.batch_alter_table('move', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_move_document_id'))

    op.drop_table('move')
    with op.batch_alter_table('follow_up', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_follow_up_store_id'))
        batch_op.drop_index('ix_follow_up_due')
        batch_op.drop_index(batch_op.f('ix_follow_up_document_id'))

    op.drop_table('follow_up')
    with op.batch_alter_table('document_line', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_document_line_document_id'))

    op.drop_table('document_line')
    op.drop_table('attempt')
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.drop_index('ix_document_state')
        batch_op.drop_index('ix_document_number')
        batch_op.drop_index('ix_document_listed')
        batch_op.drop_index('ix_document_issued')
        batch_op.drop_index('ix_document_due')
        batch_op.drop_index('ix_document_changed')
        batch_op.drop_index('ix_document_buyer')

    op.drop_table('document')
    with op.batch_alter_table('sale', schema=None) as batch_op:
        batch_op.drop_index('ix_sale_store_paid')

    op.drop_table('sale')
    with op.batch_alter_table('hook', schema=None) as batch_op:
        batch_op.drop_index('ix_hook_state')
        batch_op.drop_index('ix_hook_order')

    op.drop_table('hook')
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_account_store_id'))

    op.drop_table('account')
    op.drop_table('vat_number')
    with op.batch_alter_table('ticket', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ticket_expires_at'))

    op.drop_table('ticket')
    with op.batch_alter_table('store', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_store_reconciled_at'))
        batch_op.drop_index(batch_op.f('ix_store_hooks_checked_at'))

    op.drop_table('store')
    op.drop_table('pulse')

