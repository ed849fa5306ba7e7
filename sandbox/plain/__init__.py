"""An invoicing program that keeps whichever of the four promises it is told to, and nothing more.

Started by `dev.torture` and by tests. It stands for no product: it is as plain as such a program can be, never looks
whether a document was issued before, and its ledger is the judge. Shares no code with the app.
"""
