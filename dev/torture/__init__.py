"""`make torture`: a shop at work while everything around it is killed, and the ledger's verdict at the end.

Called by `python -m dev.torture` alone. Real processes on loopback with fresh files; nothing of it is in shopapp, and
nothing here believes what the app says of itself.
"""
