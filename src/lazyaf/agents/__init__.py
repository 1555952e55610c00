"""Drives one coding agent each, without doing any I/O of its own.

An agent says how it is started (`Launch`), and turns the lines it prints into entries and an outcome
(`Conversation`). The runner starts the process inside the sandbox, pumps the bytes and owns time-outs,
killing, committing and pushing; so an agent never sees a credential and never leaves the sandbox.
"""
