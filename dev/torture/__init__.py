"""`make torture`: a shop at work while everything around it is killed, judged by the ledger at the end.

Real processes on loopback with new files; nothing here believes what the app says about itself.
"""
