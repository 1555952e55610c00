"""What a card template of the repository says, beneath what the command line says."""

from __future__ import annotations

from typing import Any

import click

from lazyaf.cli.client import Api, Json
from lazyaf.cli.failures import Failure


def begin_with(api: Api, repo: Json, template: str | None, said: dict[str, Any]) -> dict[str, Any]:
    """The body of a new card: what is ``said`` where something is, else what the template has.

    Labels of both count. ``template`` is a template's name or its file's, in any case. Raises `Failure`
    when there is none of it, or no title.
    """
    own = {name: value for name, value in said.items() if value not in (None, [], {})}
    if template is None:
        return own
    found = _find(api, repo, template)
    fields = ("title", "description", "priority", "agent", "agent_options", "base_branch")
    body = {name: found[name] for name in fields} | own
    if own.get("agent") not in (None, found["agent"]):
        # The template's are those of its own agent.
        body["agent_options"] = said["agent_options"]
    body["labels"] = list(dict.fromkeys([*found["labels"], *said["labels"]]))
    if not body["title"]:
        raise Failure(f"The template {found['name']} has no title: say one with --title.")
    if found["problem"]:
        click.echo(f"{found['file']}: {found['problem']}", err=True)
    return body


def _find(api: Api, repo: Json, wanted: str) -> Json:
    templates: list[Json] = api.get(f"/api/repos/{repo['id']}/templates")["items"]
    for template in templates:
        names = (template["name"], template["file"], template["file"].removesuffix(".md"))
        if wanted.lower() in {name.lower() for name in names}:
            return template
    if not templates:
        raise Failure(
            f"{repo['name']} has no templates: it has no file in .lazyaf/templates at the tip of "
            f"{repo['default_branch']}."
        )
    known = ", ".join(template["name"] for template in templates)
    raise Failure(f"{repo['name']} has no template “{wanted}”. It has: {known}.")
