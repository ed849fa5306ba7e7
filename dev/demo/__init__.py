"""`make demo`: the main flows of the app, scripted, with the invoicing system's own ledger as the judge."""
