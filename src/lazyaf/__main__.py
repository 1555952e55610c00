"""``python -m lazyaf`` is the command line."""

from lazyaf.cli import main

main()
