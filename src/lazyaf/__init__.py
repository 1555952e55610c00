"""LazyAF: a card becomes a job, a job becomes a branch, a person reviews it, and nothing is lost."""

__version__ = "0.1.0"
