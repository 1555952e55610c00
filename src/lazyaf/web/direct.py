"""Routes that read their request themselves: the busiest ones.

The framework describes them and does no more. It would take a third of the time of such a request to
look for parameters, and to make Python objects of a batch of log entries before it validates them. What
is refused is refused in the framework's words.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import Receive, Scope, Send

THREAD_ABOVE: Final = 64 * 1024
"""Bytes above which a body would hold the event loop for milliseconds."""

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


class DirectRoute(APIRoute):
    """Calls ``endpoint(request, **path parameters)``, which answers with a `Response`. What it raises is
    answered by the application's handlers of errors, as everywhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = self._answer  # instead of what FastAPI does before and after

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response: Response = await self.endpoint(request, **request.path_params)
        await response(scope, receive, send)


async def body_of(request: Request, read: Callable[[bytes], T]) -> T:
    """What ``read`` makes of the body; in a thread when it is large."""
    body = await request.body()
    return await asyncio.to_thread(read, body) if len(body) > THREAD_ABOVE else read(body)


def parse(model: type[M], body: bytes) -> M:
    """JSON as this model; raises `RequestValidationError`. Half a character, as agents cut them, is no JSON to the strict parser, and is
    left to the model."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        refused = error
    try:
        return model.model_validate(json.loads(body))
    except ValidationError as error:
        refused = error
    except (ValueError, RecursionError):
        pass
    raise RequestValidationError(refused.errors(include_url=False, include_input=False))


def described(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """For the OpenAPI entry of a route that calls `parse`."""
    schema = model.model_json_schema()
    kinds = schema.pop("$defs", {})
    content = {"application/json": {"schema": _inlined(schema, kinds)}}
    return {"requestBody": {"required": required, "content": content}}


def _inlined(schema: Any, kinds: dict[str, Any]) -> Any:
    """The schema without references: what they point at stands nowhere in the OpenAPI document."""
    if isinstance(schema, list):
        return [_inlined(item, kinds) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = kinds[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {key: _inlined(value, kinds) for key, value in {**found, **rest}.items()}
