"""The switches of the Jumpseller stand-in: each point on which its behaviour is not certain.

The first position is the default; `basis` says what is known about it.
"""

from sandbox.core.switches import Switch

SWITCHES = (
    # orders
    Switch(
        "line-discount",
        "`discount` of a line with qty over 1: of a unit, of a unit in whole cents, of the line",
        ("unit", "unit-cents", "line"),
        "seen in code",
    ),
    Switch("line-tax", "`tax` of a line with qty over 1", ("unit", "line"), "unknown"),
    Switch(
        "order-tax", "`tax` of the order and `shipping_tax`", ("without-shipping", "with-shipping"), "unknown"
    ),
    Switch(
        "tax-base",
        "`tax` of a line (and of the order where prices include VAT) is calculated after or before discounts",
        ("after-discount", "before-discount"),
        "unknown",
    ),
    Switch(
        "subtotal",
        "`subtotal` where prices include VAT: with VAT (recorded) or without (described)",
        ("with-tax", "without-tax"),
        "seen in code",
    ),
    Switch(
        "coupon",
        "an order-level coupon: shared over the lines, on no line, or given in whole cents a piece",
        ("lines", "order", "pieces"),
        "seen in code",
    ),
    Switch(
        "coupon-rest",
        "a coupon larger than the goods: the rest is lost, is in `shipping_discount`, or in `discount` alone",
        ("lost", "shipping", "order"),
        "unknown",
    ),
    Switch("rate", "type of `taxes[].rate` (text comes with `amount`)", ("number", "text"), "documented"),
    Switch(
        "shop-rounding",
        "where the shop rounds prices with VAT: each line, each rate, once, each piece;"
        " or the net of each line (then VAT by rate); or net and VAT of the order, each once",
        ("line", "rate", "document", "piece", "line-net", "net-and-vat"),
        "unknown",
    ),
    Switch("shipping-rounding", "shipping is rounded", ("apart", "with-goods"), "unknown"),
    Switch(
        "shipping-price",
        "`shipping` is with or without VAT",
        ("as-products", "with-tax", "without-tax"),
        "unknown",
    ),
    Switch(
        "shipping-taxes",
        "several taxes on shipping: each on the share of the goods at its rate, or each on the whole price",
        ("split", "added"),
        "unknown",
    ),
    Switch(
        "fixed-tax",
        "a fixed tax is due for each unit, once for the line, or for each unit and taxed by the line's rate",
        ("unit", "line", "unit-taxed"),
        "unknown",
    ),
    Switch("fixed-tax-shown", "`tax` of line and order has fixed taxes in it", ("yes", "no"), "unknown"),
    Switch(
        "texts", "names and addresses: as typed, or with HTML entities", ("typed", "entities"), "seen in code"
    ),
    Switch(
        "country-code",
        "`country_code` in orders",
        ("two-letters", "three-letters", "words", "missing"),
        "documented",
    ),
    Switch(
        "deleted-customer",
        "an order whose customer's data was deleted: blocks null, fields empty, or all but the place empty",
        ("null", "empty", "place-kept"),
        "unknown",
    ),
    Switch(
        "refund",
        "a refund shows nowhere, in the history, or as a lower `total`",
        ("nowhere", "history", "total"),
        "unknown",
    ),
    Switch("created-state", "a placed order starts as `created`", ("no", "yes"), "unknown"),
    Switch("completed-at", "when `completed_at` is set", ("payment", "checkout"), "inferred"),
    Switch("state-history", "the order's history lists changes of state", ("yes", "no"), "unknown"),
    Switch(
        "product-numbers",
        "type of prices, discounts and stock of products",
        ("number", "text"),
        "seen in code",
    ),
    Switch("orders-after", "answer of `orders/after/{id}`", ("list", "one"), "seen in code"),
    Switch("wrapped-store", "answer of `store/info`", ("bare", "wrapped"), "documented"),
    # documents on the order
    Switch("documents-post", "the same document posted twice", ("twice", "once"), "unknown"),
    Switch("public-id-slash", "a `public_id` with a slash in a path", ("refused", "accepted"), "unknown"),
    # accounts
    Switch("consent-framed", "the consent page inside a frame", ("refused", "allowed"), "unknown"),
    Switch("consent-coop", "COOP header of the consent page", ("none", "same-origin"), "unknown"),
    Switch("consent-again", "consent when the app is authorised already", ("at-once", "asked"), "inferred"),
    Switch("store-permitted", "the store may authorise apps", ("yes", "no"), "seen in code"),
    Switch("pkce", "a code challenge that was sent", ("checked", "ignored"), "unknown"),
    Switch("refresh-tokens", "refreshing gives a new refresh token", ("rotate", "stay"), "inferred"),
    Switch("old-access-token", "the access token after a refresh", ("lives-on", "revoked"), "unknown"),
    Switch("token-scope", "the token answer names the scope", ("no", "yes"), "seen in code"),
    Switch("token-client", "how the client names itself", ("body", "body-or-basic"), "documented"),
    # the app inside the admin
    Switch("app-url-parameters", "parameters on the App URL", ("none", "store", "junk"), "unknown"),
    Switch("app-opens", "where the admin opens the app", ("frame", "tab"), "seen in code"),
    Switch("install-begins", "what installing opens first", ("app-url", "authorize"), "unknown"),
    Switch("hooks-on-uninstall", "the app's webhooks at uninstall", ("deleted", "kept"), "unknown"),
    # webhooks
    Switch("paid-on-shipping", "`order_paid` again when a paid order ships", ("no", "yes"), "seen in code"),
    Switch("hook-copies", "how often each webhook is sent", ("one", "two", "five"), "unknown"),
    Switch("hook-losses", "webhooks that are never sent", ("none", "every-third", "all"), "unknown"),
    Switch("hook-order", "the order of webhooks of the same moment", ("in-turn", "shuffled"), "unknown"),
    Switch("hook-resume", "what resumes a paused webhook", ("put", "anew"), "unknown"),
    Switch("hook-pause-shown", "the list of webhooks says which ones are paused", ("no", "yes"), "unknown"),
    # limits
    Switch("rate-limits", "20 calls a second and 800 a minute", ("on", "off"), "documented"),
    Switch("limit-answer", "status of a call over the limit", ("429", "403"), "documented"),
    # products and stock
    Switch(
        "products-after",
        "answer of `products/after/{id}`: ascending; fifty whatever `limit` says; newest first; only the newest; none",
        ("list", "fifty", "newest-first", "newest-alone", "missing"),
        "documented",
    ),
    Switch("product-deleted", "body of `product_deleted`", ("whole", "id", "empty"), "unknown"),
    Switch("stock-on-sale", "when a sale reduces the stock", ("placed", "paid", "never"), "unknown"),
    Switch("stock-on-cancel", "a cancelled or abandoned order's stock", ("returned", "kept"), "unknown"),
    Switch(
        "stock-hook-on-sale",
        "`product_updated` and `product_stock_updated` when a sale moved stock",
        ("sent", "none"),
        "unknown",
    ),
    Switch("oversold", "the stock after more was sold than there is", ("to-zero", "below-zero"), "unknown"),
    Switch(
        "plain-stock",
        "plain `stock` over several locations: the sum; that of the main one; written to the main one, read as the sum",
        ("sum", "main", "main-put"),
        "unknown",
    ),
    Switch(
        "unlimited-by-place",
        "products with unlimited stock in `products_locations`",
        ("null", "zero", "left-out"),
        "unknown",
    ),
)
