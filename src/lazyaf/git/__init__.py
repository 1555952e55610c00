"""git: children, bare repositories, refs, diff, merge and the smart-HTTP stream.

Knows no web framework and no database. The git command line moves and merges; pygit2, in a thread,
reads.
"""
