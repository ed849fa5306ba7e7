"""`make demo`: the main job without hands, held against the invoicing program's own ledger.

Called by `python -m dev.demo` alone, and its orders by `dev.screenshots`. Nothing of it is in shopapp.
"""
