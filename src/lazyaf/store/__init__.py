"""Tables, one query module per aggregate, the writer and the readers.

Everything here is synchronous and takes a `lazyaf.store.tx.Tx`; who runs it, on which thread and when
it commits is the business of `lazyaf.store.database`. The store decides nothing: rules are the
domain's, verbs are the services'.
"""
