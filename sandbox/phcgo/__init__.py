"""A stand-in of PHC GO as far as public material shows it: its Full API, its panel and a ledger that judges.

Started by `make run`, the demo and tests. What nobody outside knows is a switch. Shares no code with the app.
"""
