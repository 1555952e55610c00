"""Measurements, each against a real server process; `python -m benchmarks [name …]` prints a table.

Nothing here asserts: a figure is printed beside its aim, and people judge. The load comes from this
process, on the same machine as the server, so figures are what two shared cores can do.
"""
