"""The process that works a job: one at a time, over outgoing connections only.

`process.run` is the entry. It registers with the server, claims a job, makes a work tree from a cache,
runs the agent inside a sandbox, tells what happens through an outbox on disk, saves checkpoints, pushes
and finishes. It knows the protocol, the agents and git; it never sees the web, the services or the
store. No git process outside the sandbox ever opens a directory that an agent can write (rules R1, R2).
"""
