"""The switches of the stand-in: each point on which nobody outside knows how a real installation behaves.

Read by every other part; the first position is the default. Every one is tried by a test in each position.
"""

from __future__ import annotations

from sandbox.core.switches import Switch

_REACHING = (
    Switch("rest-path", "where the web services lie under the installation", ("PHCWS/REST", "REST"), "seen in code"),
    Switch("path-case", "names of services and methods are told apart by case", ("exact", "any"), "unknown"),
    Switch("html-path", "a call under `/html`, as merchants paste it", ("404", "login-page"), "inferred"),
    Switch("wrong-login", "a login that is refused: a message, or no body at all", ("message", "empty"),
           "seen in code"),
    Switch("lock-out", "failed logins after which a user is locked", ("never", "after-5"), "unknown"),
    Switch("engine-auth", "where login tells the Engine-Auth value: header, field `engineAuth` of the result, nowhere",
           ("header", "body", "none"), "unknown"),
    Switch("session-proof", "what a call must carry of its session", ("cookie", "both", "either", "engine-auth"),
           "unknown"),
    Switch("session-life", "when a session ends by itself", ("20-minutes-idle", "1-minute", "6-calls", "never"),
           "unknown"),
    Switch("session-answer", "what a call without a session is answered",
           ("message", "401", "empty", "login-page", "redirect"), "unknown"),
    Switch("parallel-sessions", "a fourth session of one user", ("accepted", "oldest-ends", "refused"), "unknown"),
    Switch("quota-answer", "a call over the month's allowance", ("message", "429", "403", "empty"), "unknown"),
    Switch("rate-limit", "over 120 calls a minute: none, HTTP 429, a message", ("off", "429", "message"), "unknown"),
    Switch("maintenance-answer", "a call while the installation is being maintained",
           ("message", "503", "html", "drop"), "unknown"),
    Switch("message-type", "how an error is marked: 1, `Error`, not at all", ("number", "text", "absent"),
           "seen in code"),
    Switch("harmless-messages", "warnings and information beside a good result", ("told", "silent"), "seen in code"),
)  # fmt: skip

_DOCUMENTS = (
    Switch("stamp-made", "when a record gets its stamp", ("getNewInstance", "Save"), "seen in code"),
    Switch("operation-1", "Save with Operation 1 and a stamp that exists", ("updates", "refused"), "seen in code"),
    Switch("save-completes", "Save of a record that actEntity never saw", ("refused", "completes"), "inferred"),
    Switch("draft-delete", "Save with Operation 3 of a draft or dossier", ("deletes", "refused"), "documented"),
    Switch("act-customer", "actEntity copies the customer and his discounts", ("once", "each-time"), "inferred"),
    Switch("customer-defaults", "discounts that the company gives every new customer", ("some", "none"), "inferred"),
    Switch("buyer-on-document", "a name and NIF other than the customer's",
           ("free", "generic-only", "fixed"), "seen in code"),
    Switch("repeated-nif", "a second customer with one NIF", ("accepted", "refused"), "unknown"),
    Switch("nif-check", "a customer whose Portuguese NIF fails its check digit", ("refused", "accepted"), "unknown"),
    Switch("unknown-article", "a line whose `ref` is no article", ("warned", "refused", "created"), "seen in code"),
    Switch("ref-length", "an article whose `ref` is over 18 characters", ("refused", "accepted"), "seen in code"),
    Switch("ref-case", "an article whose `ref` differs from another's in case only", ("refused", "accepted"),
           "inferred"),
    Switch("article-rate", "the rate of a new article: by `tabiva` as sent, or the company's own", ("tabiva", "own"),
           "inferred"),
    Switch("level-rows", "the stock (`Sa`) of an article that was just made: no rows, or zero everywhere",
           ("none", "zero"), "unknown"),
    Switch("line-without-ref", "a line with an empty `ref`", ("accepted", "refused"), "seen in code"),
    Switch("rate-from", "which counts where `iva` and `tabiva` differ", ("tabiva", "iva"), "unknown"),
    Switch("zero-vat-check", "where a zero rate without `codmotiseimp` is refused", ("Save", "sign", "never"),
           "unknown"),
    Switch("rounding", "where cents are made: by rate, by line, once", ("rate-group", "line", "document"), "unknown"),
    Switch("stock-check", "too little stock", ("off", "sign", "Save", "warned"), "inferred"),
    Switch("date-on-sign", "the date of a draft that is signed", ("kept", "today"), "inferred"),
    Switch("no-validation-code", "signing in a series without validation code", ("refused", "signed"), "unknown"),
    Switch("sign-twice", "signDocument of a signed document", ("refused", "same"), "inferred"),
    Switch("unknown-fields", "fields that no public source names", ("kept", "dropped", "refused"), "unknown"),
    Switch("transport-required", "a transport guide without loading place, date and hour is refused", ("no", "yes"),
           "unknown"),
    Switch("credit-reason", "where a credit note must say why", ("rectificationReason", "obs", "nowhere"), "unknown"),
    Switch("credit-from-origin", "getNewInstanceFromReference with origin FT", ("exists", "missing"), "inferred"),
    Switch("state-fields", "`anulado` and `pago` on Ft", ("told", "absent"), "unknown"),
    Switch("dossier-sign", "BoWS/signDocument", ("exists", "missing"), "inferred"),
    Switch("dossier-used-up", "when a dossier's lines count as invoiced", ("sign", "Save", "never"), "unknown"),
    Switch("draft-dossier", "an invoice from a dossier that is a draft", ("accepted", "refused"), "unknown"),
)  # fmt: skip

_READING = (
    Switch("figures", "amounts as JSON has them: plain, or with the noise of binary numbers", ("plain", "noisy"),
           "unknown"),
    Switch("obs-kept", "the observations of a document", ("kept", "dropped"), "seen in code"),
    Switch("obs-filter", "a query by `obs`", ("exact", "contains", "refused", "ignored"), "seen in code"),
    Switch("query-drafts", "drafts in the answer of a query", ("included", "left-out"), "inferred"),
    Switch("query-lines", "the lines of documents in the answer of a query", ("included", "left-out"), "unknown"),
    Switch("query-lag", "seconds until a query shows what was saved", ("0", "1", "2", "5"), "unknown"),
    Switch("query-page", "rows of a query that names no limit", ("all", "10"), "unknown"),
    Switch("query-most", "rows of a query at most, whatever its limit", ("any", "100", "2"), "unknown"),
    Switch("query-offset", "what `offset` does", ("skips", "ignored"), "seen in code"),
    Switch("query-order", "what `orderByItems` does", ("orders", "ignored"), "seen in code"),
    Switch("any-of", "conditions of group 9: one must hold, all must, only the last counts, none counts",
           ("one", "all", "last", "none"), "inferred"),
    Switch("pdf-link", "who may fetch a printed file: anyone, a session, anyone once, anyone for ten minutes",
           ("open", "session", "once", "10-minutes"), "seen in code"),
    Switch("email-answer", "a mail that was sent", ("information", "silent"), "seen in code"),
)  # fmt: skip

SWITCHES = _REACHING + _DOCUMENTS + _READING
