"""The switches of the Shopkit stand-in: each point on which its behaviour is not certain.

The first position is the default; `basis` says what is known about it.
"""

from sandbox.core.switches import Switch

ORDER_SWITCHES = (
    Switch(
        "line-discount",
        "`discount` of a line with quantity over 1: of the line, of a piece",
        ("line", "unit"),
        "unknown",
    ),
    Switch(
        "line-subtotals",
        "`subtotal`, `subtotal_with_tax`, `subtotal_without_tax` of a line: of the line, of a piece",
        ("line", "unit"),
        "unknown",
    ),
    Switch(
        "line-net",
        "`subtotal_without_tax` of a line: before its discount (the documented sample), after it",
        ("before-discount", "after-discount"),
        "documented",
    ),
    Switch(
        "line-digits",
        "amounts of lines and `product_tax`: at most four decimals, or the whole float",
        ("four", "full"),
        "documented",
    ),
    Switch(
        "order-subtotal",
        "`subtotal` of the order: before the discount, after it",
        ("before-discount", "after-discount"),
        "inferred",
    ),
    Switch("inclusive-price", "`price` of a line where prices include VAT", ("gross", "net"), "unknown"),
    Switch(
        "inclusive-subtotal", "`subtotal` of the order where prices include VAT", ("gross", "net"), "unknown"
    ),
    Switch("inclusive-discount", "`discount` where prices include VAT", ("gross", "net"), "unknown"),
    Switch(
        "shipping-price",
        "the prices of shipping and of a means of payment: with VAT where those of goods are, never, always",
        ("as-goods", "without-tax", "with-tax"),
        "unknown",
    ),
    Switch(
        "shipping-value",
        "`value` of shipping and payment: without its `tax`, or with it (and `tax` told all the same)",
        ("net", "gross"),
        "inferred",
    ),
    Switch(
        "shipping-tax-percent",
        "`tax_percent` of shipping and payment: told, or empty although there is `tax`",
        ("told", "empty"),
        "unknown",
    ),
    Switch(
        "free-shipping",
        "shipping that a coupon pays: `value` 0; kept beside an equal `discount`; kept, and in the order's `discount`",
        ("value-zero", "value-kept", "in-discount"),
        "unknown",
    ),
    Switch("total-tax", "`total_tax`: of everything, of products alone", ("all", "products"), "inferred"),
    Switch(
        "total-rounding",
        "`total`: half up, the binary float's nearest cent, cut, the sum of rounded lines",
        ("half-up", "binary", "cut", "lines"),
        "unknown",
    ),
    Switch(
        "fixed-coupon",
        "a coupon of a fixed amount: shared over the lines, told on the order alone",
        ("lines", "order"),
        "unknown",
    ),
    Switch("coupon-discount", "`coupon.discount`, which themes read", ("absent", "told"), "seen in code"),
    Switch(
        "loyalty",
        "loyalty points: `rewards.discount`, off the total and told nowhere, or in the lines' discounts",
        ("told", "hidden", "lines"),
        "seen in code",
    ),
    Switch(
        "extras",
        "extras of a line: `extras` and `price_extras` beside `price`, in `price`, or told nowhere",
        ("told", "in-price", "hidden"),
        "seen in code",
    ),
    Switch("tax-settings", "`tax_settings` of an order", ("null", "told"), "seen in code"),
    Switch(
        "exemption-code",
        "`tax_exemption`: an M code, in lower case, in words, or never told",
        ("m-code", "lower", "words", "null"),
        "unknown",
    ),
    Switch(
        "island-names",
        "the country of the islands: the region's name, its full or English name, the country alone, a code of its own",
        ("region", "full", "english", "country", "code"),
        "unknown",
    ),
    Switch(
        "numbers",
        "amounts: a number, text with a comma, text with a point",
        ("number", "comma", "point"),
        "seen in code",
    ),
    Switch(
        "types",
        'identifiers, quantities and booleans: as documented, or text (`"731"`, `"1"`)',
        ("documented", "text"),
        "documented",
    ),
    Switch(
        "return-form",
        "the returned quantities: in `return_custom_field`, nowhere",
        ("field", "nowhere"),
        "seen in code",
    ),
)
"""Those that a specification may set for its order alone."""

SWITCHES = (
    *ORDER_SWITCHES,
    # the wire
    Switch("refused-key", "a call with an unknown or revoked key", ("401", "403"), "documented"),
    Switch("no-user-agent", "a call without User-Agent", ("403", "400", "401"), "unknown"),
    Switch("order-list", "the shape of a list of orders", ("keyed", "array"), "inferred"),
    Switch("product-list", "the shape of a list of products", ("keyed", "array"), "seen in code"),
    Switch("webhook-list", "the shape of a list of webhooks", ("array", "keyed"), "unknown"),
    Switch(
        "empty-list", "a list without rows: `paging` alone, `[]`, 404", ("paging", "array", "404"), "unknown"
    ),
    Switch(
        "paging-ends",
        "`previous` of the first page and `next` of the last",
        ("absent", "null", "empty"),
        "unknown",
    ),
    Switch(
        "page-limit", "rows of a page at most; `ignored`: always 25", ("50", "100", "ignored"), "documented"
    ),
    Switch("order-sort", "the first order of a list", ("newest", "oldest"), "unknown"),
    Switch(
        "order-rows",
        "orders in lists: whole, or without VAT, lines' amounts and addresses",
        ("whole", "short"),
        "unknown",
    ),
    Switch("order-filters", "the filters of a list of orders", ("applied", "ignored"), "documented"),
    Switch(
        "filter-days", "the days of `date_from`, `date_to`: of Lisbon, of UTC", ("lisbon", "utc"), "unknown"
    ),
    Switch("date-to", "`date_to` with the day, or up to it", ("inclusive", "exclusive"), "unknown"),
    Switch(
        "limit-answer",
        "a call over the limit: status, or 200 with a message",
        ("429", "403", "200", "400", "401", "503"),
        "unknown",
    ),
    Switch("retry-after", "Retry-After of a call over the limit", ("told", "absent"), "unknown"),
    Switch(
        "limit-window",
        "3600 calls an hour: in any 60 minutes, in each hour of the clock",
        ("sliding", "hour"),
        "unknown",
    ),
    # writing on orders
    Switch(
        "invoice-overwrite",
        "`invoice_url` where there is one: replaced, 409, answered with 200 and kept",
        ("replaced", "refused", "kept"),
        "unknown",
    ),
    Switch(
        "invoice-clear", "an empty `invoice_url`: removes the invoice, 400", ("removes", "refused"), "unknown"
    ),
    Switch("file-limit", "the largest request with `invoice_file`", ("10-MB", "1-MB", "10-KB"), "unknown"),
    Switch(
        "file-address",
        "`invoice_url` after an `invoice_file`: an address of Shopkit, empty",
        ("told", "empty"),
        "unknown",
    ),
    Switch(
        "invoiced-event",
        "`order_invoiced` when an invoice is put on the order by API",
        ("sent", "none"),
        "unknown",
    ),
    Switch("invoice-verb", "the verb of `/order/{id}/invoice`", ("POST", "PUT", "GET"), "unknown"),
    Switch(
        "invoice-app",
        "the store's own invoicing app: none, active, failing (400, 500), issuing and answering 500",
        ("none", "active", "fails-400", "fails-500", "issues-500"),
        "unknown",
    ),
    # webhooks
    Switch(
        "webhook-secret",
        "the key of signatures: shown beside the API key, one of the application, the API key",
        ("beside-key", "application", "api-key"),
        "unknown",
    ),
    Switch(
        "webhook-events",
        "events that the API subscribes: those of its page, all, all but `order_invoice`, created and paid alone",
        ("api-page", "all", "no-invoice", "few"),
        "inferred",
    ),
    Switch(
        "suspended-shown",
        "a suspended webhook in the list: `active` false, true, missing",
        ("inactive", "active", "missing"),
        "unknown",
    ),
    Switch(
        "suspended-again",
        "subscribing what is suspended: 409, or it is active again",
        ("refused", "reactivated"),
        "unknown",
    ),
    Switch(
        "test-order",
        "the order of the test payload: an id of no order, that of the newest order",
        ("unknown", "existing"),
        "unknown",
    ),
    Switch("webhook-copies", "how often each webhook is sent", ("one", "two", "five"), "unknown"),
    Switch("webhook-losses", "webhooks that are never sent", ("none", "every-third", "all"), "ours"),
    Switch("webhook-order", "the order of webhooks of the same moment", ("in-turn", "shuffled"), "unknown"),
    Switch("webhook-origin", "`X-Webhook-Resource-Origin`", ("told", "absent"), "documented"),
    # products and stock
    Switch(
        "hidden-products", "hidden products in a list that names no status", ("listed", "left-out"), "unknown"
    ),
    Switch(
        "row-options", "`options` of products in lists: told, or left out", ("told", "left-out"), "unknown"
    ),
    Switch("stock-on-sale", "when a sale reduces the stock", ("placed", "paid", "never"), "unknown"),
    Switch("stock-on-cancel", "the stock of a cancelled order", ("returned", "kept"), "unknown"),
    Switch("option-stock", "`stock_qty` of a product with options: the sum, 0", ("sum", "zero"), "unknown"),
)
