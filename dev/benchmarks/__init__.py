"""What `make bench` measures with real processes: hooks answered, documents issued, processor and memory taken.

Each module with a `main` is one measurement, listed in dev/benchmarks/__main__.py. All figures are ratios
to a reference of the same
run: what a second or a processor is worth changes from machine to machine. Nothing here judges or is kept.
"""
