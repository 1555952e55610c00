"""The verbs: one module per thing that LazyAF can be asked to do.

A service that only touches the database is a plain, rerunnable function of a transaction (``fn(tx,
…)``). One that also touches git is ``async`` and joins the two by intent → effect → confirm
(rules.md R8); nothing ever waits for git, the network or a child inside a transaction.
"""
