"""The switches of the PHC GO stand-in: each point on which an installation's behaviour is not public.

The first position is the default; a test sets each of them.
"""

from __future__ import annotations

from sandbox.core.switches import Switch

_REACHING = (
    Switch("rest-path", "the path of the web services under the installation", ("PHCWS/REST", "REST"), "seen in code"),
    Switch("path-case", "whether the case of names of services and methods matters", ("exact", "any"), "unknown"),
    Switch("html-path", "a call under `/html`, as merchants paste it", ("404", "login-page"), "inferred"),
    Switch("wrong-login", "a login that is refused: a message, or no body at all", ("message", "empty"),
           "seen in code"),
    Switch("lock-out", "failed logins after which a user is locked", ("never", "after-5"), "unknown"),
    Switch("engine-auth", "where login returns the Engine-Auth value: header, result field `engineAuth`, nowhere",
           ("header", "body", "none"), "unknown"),
    Switch("session-proof", "what a call must send to prove its session", ("cookie", "both", "either", "engine-auth"),
           "unknown"),
    Switch("session-life", "when a session expires", ("20-minutes-idle", "1-minute", "6-calls", "never"),
           "unknown"),
    Switch("session-answer", "the answer to a call without a session",
           ("message", "401", "empty", "login-page", "redirect"), "unknown"),
    Switch("parallel-sessions", "a fourth session of one user", ("accepted", "oldest-ends", "refused"), "unknown"),
    Switch("quota-answer", "a call over the month's allowance", ("message", "429", "403", "empty"), "unknown"),
    Switch("rate-limit", "the answer to more than 120 calls a minute: the usual one, HTTP 429, a message",
           ("off", "429", "message"), "unknown"),
    Switch("maintenance-answer", "a call during maintenance",
           ("message", "503", "html", "drop"), "unknown"),
    Switch("message-type", "how an error is marked: 1, `Error`, not at all", ("number", "text", "absent"),
           "seen in code"),
    Switch("harmless-messages", "warnings and information with a good result", ("told", "silent"), "seen in code"),
)  # fmt: skip

_DOCUMENTS = (
    Switch("stamp-made", "when a record gets its stamp", ("getNewInstance", "Save"), "seen in code"),
    Switch("operation-1", "Save with Operation 1 and a stamp that exists", ("updates", "refused"), "seen in code"),
    Switch("save-completes", "Save of a record that actEntity never saw", ("refused", "completes"), "inferred"),
    Switch("draft-delete", "Save with Operation 3 of a draft or dossier", ("deletes", "refused"), "documented"),
    Switch("act-customer", "actEntity copies the customer with their discounts", ("once", "each-time"), "inferred"),
    Switch("customer-defaults", "discounts that the company gives every new customer", ("some", "none"), "inferred"),
    Switch("buyer-on-document", "a name and NIF other than the customer's",
           ("free", "generic-only", "fixed"), "seen in code"),
    Switch("repeated-nif", "a second customer with the same NIF", ("accepted", "refused"), "unknown"),
    Switch("nif-check", "a customer whose Portuguese NIF fails its check digit", ("refused", "accepted"), "unknown"),
    Switch("unknown-article", "a line whose `ref` is not an article", ("warned", "refused", "created"), "seen in code"),
    Switch("ref-length", "an article whose `ref` is over 18 characters", ("refused", "accepted"), "seen in code"),
    Switch("ref-case", "an article whose `ref` differs from another's only in case", ("refused", "accepted"),
           "inferred"),
    Switch("article-rate", "the rate of a new article: by `tabiva` as sent, or the company's own", ("tabiva", "own"),
           "inferred"),
    Switch("level-rows", "the stock (`Sa`) of a new article: no rows, or zero everywhere",
           ("none", "zero"), "unknown"),
    Switch("line-without-ref", "a line with an empty `ref`", ("accepted", "refused"), "seen in code"),
    Switch("rate-from", "which one applies where `iva` and `tabiva` differ", ("tabiva", "iva"), "unknown"),
    Switch("zero-vat-check", "when a zero rate without `codmotiseimp` is refused", ("Save", "sign", "never"),
           "unknown"),
    Switch("rounding", "where amounts are rounded to cents: by rate, by line, once",
           ("rate-group", "line", "document"), "unknown"),
    Switch("stock-check", "too little stock", ("off", "sign", "Save", "warned"), "inferred"),
    Switch("date-on-sign", "the date of a draft when it is signed", ("kept", "today"), "inferred"),
    Switch("no-validation-code", "signing in a series without validation code", ("refused", "signed"), "unknown"),
    Switch("sign-twice", "signDocument of a signed document", ("refused", "same"), "inferred"),
    Switch("unknown-fields", "fields that no public source names", ("kept", "dropped", "refused"), "unknown"),
    Switch("transport-required", "a transport guide without loading place, date and hour is refused", ("no", "yes"),
           "unknown"),
    Switch("transport-code", "where the authority's code of a transport guide shows: nowhere, or in `atdoccodeid`",
           ("absent", "told"), "unknown"),
    Switch("credit-reason", "where a credit note must say why", ("rectificationReason", "obs", "nowhere"), "unknown"),
    Switch("credit-of-value", "a credit note's line without article that names the document and none of its lines: a "
           "reduction of the price, or refused", ("reduction", "refused"), "unknown"),
    Switch("credit-from-origin", "getNewInstanceFromReference with origin FT", ("exists", "missing"), "inferred"),
    Switch("state-fields", "`anulado` and `pago` on Ft", ("told", "absent"), "unknown"),
    Switch("dossier-sign", "BoWS/signDocument", ("exists", "missing"), "inferred"),
    Switch("dossier-used-up", "when a dossier's lines count as invoiced", ("sign", "Save", "never"), "unknown"),
    Switch("draft-dossier", "an invoice from a dossier that is a draft", ("accepted", "refused"), "unknown"),
)  # fmt: skip

_READING = (
    Switch("figures", "amounts in JSON: exact, or with floating-point noise", ("plain", "noisy"),
           "unknown"),
    Switch("obs-kept", "the observations of a document", ("kept", "dropped"), "seen in code"),
    Switch("obs-filter", "a query by `obs`", ("exact", "contains", "refused", "ignored"), "seen in code"),
    Switch("query-drafts", "drafts in the answer of a query", ("included", "left-out"), "inferred"),
    Switch("query-lines", "the lines of documents in the answer of a query", ("included", "left-out"), "unknown"),
    Switch("query-lag", "seconds until a query finds what was saved", ("0", "1", "2", "5"), "unknown"),
    Switch("query-page", "rows of a query that names no limit", ("all", "10"), "unknown"),
    Switch("query-most", "rows of a query at most, whatever its limit", ("any", "100", "2"), "unknown"),
    Switch("query-offset", "what `offset` does", ("skips", "ignored"), "seen in code"),
    Switch("query-order", "what `orderByItems` does", ("orders", "ignored"), "seen in code"),
    Switch("any-of", "conditions of group 9: one must hold, all must, only the last one counts, none counts",
           ("one", "all", "last", "none"), "inferred"),
    Switch("pdf-link", "who may fetch a printed file: anyone, a session, anyone once, anyone for ten minutes",
           ("open", "session", "once", "10-minutes"), "seen in code"),
    Switch("email-answer", "a mail that was sent", ("information", "silent"), "seen in code"),
)  # fmt: skip

SWITCHES = _REACHING + _DOCUMENTS + _READING
