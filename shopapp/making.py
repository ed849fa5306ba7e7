"""Articles made in one go because the merchant asked for it: every SKU that the program was seen not to have.

Called by the page that asks for the rate, and by `goods`. One after another, each looked for once more before it is
made; what the program would not take, or must not be taxed so, is remembered with the reason and stops nothing.
"""

from __future__ import annotations

from shopapp import catalogue, matching
from shopapp.connect import Pace
from shopapp.fiscal import tax
from shopapp.fiscal.errors import NotAllowedError, RefusedError, SettingsError
from shopapp.fiscal.tax import Category
from shopapp.models import Account, Article, Run, db, shelf
from shopapp.models.run import CREATE, DONE

TOGETHER = 2
"""How many are made before other work has its turn: each takes two calls, at the provider's pace."""


def begin(account: Account, treatment: str) -> bool:
    """True when the making of all that is missing began; False when one is under way. Not committed.

    `treatment` is a VAT category, or an exemption code; one that the merchant gave a SKU of its own goes before it.
    """
    total = shelf.count_missing(account)
    return Run.begin(account.store_id, account.id, CREATE, "hand", total=total, mark=treatment)


def page(run: Run, account: Account, pace: Pace | None = None) -> None:
    """Nothing; some more are made, or the run is over. Commits. AppError when the program does not answer."""
    some = [row.product for row in shelf.missing(account, TOGETHER, run.cursor)]
    if not some:
        run.end(DONE)
        return
    own = account.settings.get("exceptions", {})
    seen = run.seen
    db.session.commit()
    for product in some:
        category, exemption = split(own.get(product.sku) or run.mark)
        try:
            matching.create(
                account, product.sku, product.name, category, exemption, product.kind == "goods", pace
            )
        except (RefusedError, NotAllowedError, SettingsError) as error:
            # what the program refused says so already
            db.session.rollback()
            Article.unmade(account.id, product.sku, error.code, dict(error.detail))
        catalogue.follow(account, [product.sku])
        seen += 1
        run.keep(cursor=product.sku, seen=seen, tries=0, reason="")
        db.session.commit()


def split(treatment: str) -> tuple[Category, str]:
    """A treatment as category and exemption code, of which the other is idle."""
    for category in tax.CATEGORIES:
        if category == treatment:
            return category, ""
    return "normal", treatment
