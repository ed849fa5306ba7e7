"""Articles made in one go because the merchant asked for it: every SKU that the program was seen not to have.

Called by the page that asks for the rate, and by `goods`. One after another, each looked for once more before it is
made; what the program would not take, or must not be taxed so, is remembered with the reason and stops nothing.
"""

from __future__ import annotations

from shopapp.connections.http import RateLimiter
from shopapp.errors import NotAllowedError, RefusedError, SettingsError
from shopapp.fiscal import tax_tables
from shopapp.fiscal.tax_tables import VatCategory
from shopapp.inventory import catalogue, line_articles
from shopapp.models import Account, Article, SyncRun, db
from shopapp.models.queries import products
from shopapp.models.sync_run import CREATE_RUN, DONE

ARTICLES_PER_PAGE = 2
"""How many are made before other work has its turn: each takes two calls, at the provider's pace."""


def start_bulk_create(account: Account, treatment: str) -> bool:
    """True when the making of all that is missing began; False when one is under way. Not committed.

    `treatment` is a VAT category, or an exemption code; one that the merchant gave a SKU of its own goes before it.
    """
    total = products.count_without_article(account)
    return SyncRun.start(account.store_id, account.id, CREATE_RUN, "hand", total=total, mark=treatment)


def run_bulk_create_page(run: SyncRun, account: Account, rate_limiter: RateLimiter | None = None) -> None:
    """Nothing; some more are made, or the run is over. Commits. AppError when the program does not answer."""
    some = [row.product for row in products.list_without_article(account, ARTICLES_PER_PAGE, run.cursor)]
    if not some:
        run.end(DONE)
        return
    own = account.settings.get("exceptions", {})
    seen = run.seen
    db.session.commit()
    for product in some:
        category, exemption = split_treatment(own.get(product.sku) or run.mark)
        try:
            line_articles.ensure_article(
                account, product.sku, product.name, category, exemption, product.kind == "goods", rate_limiter
            )
        except (RefusedError, NotAllowedError, SettingsError) as error:
            # what the program refused says so already
            db.session.rollback()
            Article.record_not_created(account.id, product.sku, error.code, dict(error.detail))
        catalogue.add_to_sync(account, [product.sku])
        seen += 1
        run.save_progress(cursor=product.sku, seen=seen, tries=0, reason="")
        db.session.commit()


def split_treatment(treatment: str) -> tuple[VatCategory, str]:
    """A treatment as category and exemption code, of which the other is idle."""
    for category in tax_tables.VAT_CATEGORIES:
        if category == treatment:
            return category, ""
    return "normal", treatment
