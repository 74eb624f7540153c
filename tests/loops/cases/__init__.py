"""Made cases of a loop's neighbours, with labels: what should be named, and what only looks like it.

No labelled data of them is public, so each neighbour has a generator: kinds of trouble and near-misses, every case with
its own sizes, times and noise. `python -m tests.loops.cases` prints the table in docs/loops.md. The rules were mended
with the seeds below 1000; the figures are those of the seeds from 1000 on.
"""
