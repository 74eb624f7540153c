"""Benchmarks: each prints what it measured in one run beside its goal. `python -m bench [NAME…]`, `make bench`."""
