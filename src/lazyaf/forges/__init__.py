"""Pull requests on GitHub, GitLab and Gitea (or Forgejo), over their plain HTTP APIs.

Who uses it: services, through the port `lazyaf.domain.ports.Forges`. Knows no database, no git, no cards.
"""
