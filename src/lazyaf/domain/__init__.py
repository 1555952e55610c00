"""What is true: cards, jobs, runners, events, errors and ports.

Pure values and pure functions over the standard library. Nothing here reads a clock, draws a random
number, opens a file or knows that a database, a web framework or git exists.
"""
