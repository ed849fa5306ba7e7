"""What `make bench` measures with real processes: webhooks answered, documents issued, processor and memory used.

Each module with a `main` is one measurement, listed in `__main__.py`. All figures are ratios to a baseline of
the
same run, as a second of processor time differs from machine to machine. Nothing here judges or is kept.
"""
