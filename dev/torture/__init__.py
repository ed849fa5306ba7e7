"""`make torture`: a working shop while every process around it is killed, judged by the ledger at the end.

Real processes on loopback with new files; nothing here relies on the app's own statements about itself.
"""
