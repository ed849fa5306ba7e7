"""`make demo`: the main work of the app, scripted, with the invoicing system's own ledger as the judge."""
