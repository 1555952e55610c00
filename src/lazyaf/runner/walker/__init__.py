"""Saves and restores the files of a work tree byte for byte (rule R10). Runs inside the sandbox.

Started by `lazyaf.runner.saves` with a bare interpreter: one JSON object on stdin, one on stdout. This
package imports the standard library and itself only. What is in the tree is an agent's: names are bytes,
anything may be unreadable, and nothing is trusted to be a repository.

``save`` streams what differs from HEAD through ``git fast-import`` into a store of its own, so neither
the agent's index, its filters nor its line-ending settings are in the way. ``.git`` directories are
skipped; ignored files are named, not saved. What was hashed once is known by its stat data.
"""
