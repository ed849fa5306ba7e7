"""The measurements of `make bench` with real processes: webhooks answered, documents issued, CPU and memory used.

Each module with a `main` is one measurement, listed in `__main__.py`. Where a figure depends on the speed of
the machine, it is given as a ratio to a baseline of the same run. Nothing is judged or stored.
"""
