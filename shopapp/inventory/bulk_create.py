"""Create, in one run that the merchant starts, every article that the provider was found not to have."""

from __future__ import annotations

from shopapp.connections.http import RateLimiter
from shopapp.errors import NotAllowedError, RefusedError, SettingsError
from shopapp.fiscal import tax_tables
from shopapp.fiscal.tax_tables import VatCategory
from shopapp.inventory import catalogue, line_articles
from shopapp.models import Account, Article, Decision, SyncRun, db
from shopapp.models.queries import products
from shopapp.models.sync_run import CREATE_RUN, DONE

ARTICLES_PER_PAGE = 2
"""Articles created before other work has its turn; each takes two calls."""


def start_bulk_create(account: Account, treatment: str) -> bool:
    """Start creating all missing articles. Return False when such a run is open already. Not committed.

    `treatment` is a VAT category or an exemption code. A SKU for which the merchant decided one keeps it.
    """
    total = products.count_without_article(account)
    return SyncRun.start(account.store_id, account.id, CREATE_RUN, "hand", total=total, mark=treatment)


def run_bulk_create_page(run: SyncRun, account: Account, rate_limiter: RateLimiter | None = None) -> None:
    """Create the next few articles, or end the run when none is left. Commits.

    What cannot be created is recorded with the reason. Raises AppError when the provider does not answer.
    """
    page = [row.product for row in products.list_without_article(account, ARTICLES_PER_PAGE, run.cursor)]
    if not page:
        run.end(DONE)
        return
    treatment_by_sku = Decision.in_force(account.id).answers["product-tax"]
    seen = run.seen
    db.session.commit()
    for product in page:
        category, exemption = split_treatment(treatment_by_sku.get(product.sku) or run.mark)
        try:
            line_articles.ensure_article(
                account, product.sku, product.name, category, exemption, product.kind == "goods", rate_limiter
            )
        except (RefusedError, NotAllowedError, SettingsError) as error:
            # A refusal by the provider is recorded already; this records the other reasons.
            db.session.rollback()
            Article.record_not_created(account.id, product.sku, error.code, dict(error.detail))
        catalogue.add_to_sync(account, [product.sku])
        seen += 1
        run.save_progress(cursor=product.sku, seen=seen, tries=0, reason="")
        db.session.commit()


def split_treatment(treatment: str) -> tuple[VatCategory, str]:
    """Return (VAT category, exemption code); the code is "" for a category, the category "normal" for a code."""
    for category in tax_tables.VAT_CATEGORIES:
        if category == treatment:
            return category, ""
    return "normal", treatment
