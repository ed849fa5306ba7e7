"""The switches of the iGEST stand-in: each point on which the real behaviour is not public.

The first position is the default; a test sets each of them.
"""

from __future__ import annotations

from sandbox.core.switches import Switch

SWITCHES = (
    Switch("soap", "bare XML, a SOAP envelope around it, or either", ("bare", "soap", "both"), "inferred"),
    Switch(
        "keys",
        "codigo is the integration key of the panel and chave made with the security code, or the reverse",
        ("as-shown", "swapped"),
        "unknown",
    ),
    Switch(
        "time-window",
        "requests whose time differs by more than ten minutes are refused",
        ("on", "off"),
        "inferred",
    ),
    Switch(
        "unknown-article",
        "a line with an unknown reference creates the article",
        ("created", "refused"),
        "unknown",
    ),
    Switch(
        "repeated-reference",
        "a second document with the same reference in observacoes",
        ("accepted", "refused", "same"),
        "unknown",
    ),
    Switch("search-by-reference", "procurar_documento exists", ("off", "on"), "unknown"),
    Switch("document-state", "estado_documento exists", ("off", "on"), "unknown"),
    Switch(
        "stock-on-issue",
        "issuing moves stock: as atualiza_stock asks, always, never",
        ("as-asked", "always", "never"),
        "unknown",
    ),
    Switch("credit-restores-stock", "a credit note returns the stock", ("on", "off"), "unknown"),
    Switch("negative-stock", "stock may go below zero", ("accepted", "refused"), "unknown"),
    Switch("article-search", "procurar_artigos exists", ("on", "off"), "inferred"),
    Switch("article-creation", "novo_artigo exists", ("on", "off"), "inferred"),
    Switch("stock-list", "listar_stock exists", ("on", "off"), "inferred"),
    Switch("stock-changes", "listar_stock can be asked for what changed (desde)", ("on", "off"), "unknown"),
    Switch("stock-movements", "movimentar_stock exists", ("on", "off"), "inferred"),
    Switch("movement-search", "listar_movimentos exists", ("on", "off"), "unknown"),
    Switch("warehouse-list", "listar_armazens exists", ("on", "off"), "inferred"),
    Switch("exemption-list", "listar_isencoes exists", ("on", "off"), "inferred"),
    Switch(
        "rate-limit",
        "more than 200 requests a minute start two minutes of refusals: as HTTP 429 or as erro",
        ("off", "http-429", "erro"),
        "inferred",
    ),
    Switch(
        "pdf-url",
        "who may open url_pdf: anyone, anyone for ten minutes, a signed address",
        ("public", "expires", "signed"),
        "unknown",
    ),
    Switch("prices", "preco is without or with VAT", ("net", "gross"), "unknown"),
    Switch(
        "rounding",
        "where amounts are rounded to cents: by rate, by line, once",
        ("rate-group", "line", "document"),
        "unknown",
    ),
    Switch("code-on-taxed-line", "an exemption code on a taxed line", ("refused", "ignored"), "unknown"),
    Switch(
        "other-regions",
        "rates of a Portuguese region other than the entity's",
        ("refused", "accepted"),
        "unknown",
    ),
    Switch("unknown-elements", "elements that the wire page does not name", ("refused", "ignored"), "ours"),
)
