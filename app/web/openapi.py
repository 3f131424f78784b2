"""`/api/v1/openapi.json`: OpenAPI 3.1 of the operations, made from their models."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.version import VERSION
from app.web.operations import OPERATIONS, Operation
from schemas.status import ErrorRead

_Shape = tuple[type[BaseModel], Literal["validation", "serialization"]]

_REF = "#/components/schemas/{model}"
_ERRORS = {
    401: "The API key is missing or wrong.",
    404: "There is no such thing.",
    405: "The path does not take this method.",
    408: "The request did not arrive in time.",
    409: "It does not fit the present state.",
    413: "The body is too large.",
    422: "Something in the request is wrong; `fields` names it.",
    429: "Too many wrong keys came from this address; `Retry-After` says how long to wait.",
    503: "Postgres is away; `Retry-After` says when to try again.",
}
_KEYS: list[dict[str, list[str]]] = [{"key": []}, {"bearer": []}]
_DOCUMENT: dict[str, Any] = {
    "operationId": "openapi",
    "summary": "Get this document.",
    "tags": ["openapi"],
    "responses": {
        "200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}},
    },
}
_STREAM: dict[str, Any] = {
    "operationId": "stream",
    "summary": "Hear of progress and changes as server-sent events.",
    "tags": ["stream"],
    "responses": {
        "200": {
            "description": "Events `progress` and `changed`, each with JSON as its data; without an end.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
    },
}


def openapi(url_base: str) -> dict[str, Any]:
    """Make the document for a service below this path."""
    refs, components = _schemas(OPERATIONS)
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(_plain(one.path), {})[one.method.lower()] = _operation(one, refs)
    plain = {
        path: {"get": {**one, "responses": {**one["responses"], **_errors([401, 405, 429])}}}
        for path, one in {"/openapi.json": _DOCUMENT, "/stream": _STREAM}.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Trailhook", "version": VERSION, "description": "Trailers beside movies and series."},
        "servers": [{"url": f"{url_base}/api/v1"}],
        "security": _KEYS,
        "paths": {**paths, **plain},
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _schemas(operations: Sequence[Operation]) -> tuple[dict[_Shape, dict[str, Any]], dict[str, Any]]:
    wanted: dict[_Shape, None] = {(ErrorRead, "serialization"): None}
    for one in operations:
        wanted[one.answer, "serialization"] = None
        if one.body is not None:
            wanted[one.body, "validation"] = None
    refs, definitions = models_json_schema(list(wanted), ref_template=_REF)
    return {shape: refs[shape] for shape in wanted}, definitions["$defs"]


def _operation(one: Operation, refs: dict[_Shape, dict[str, Any]]) -> dict[str, Any]:
    summary, _, more = (inspect.getdoc(one.handler) or "").partition("\n\n")
    shown: dict[str, Any] = {
        "operationId": f"{one.method.lower()}_{re.sub(r'[^a-z]+', '_', _plain(one.path)).strip('_')}",
        "summary": summary,
        "tags": [one.path.split("/")[1]],
        "parameters": _parameters(one),
        "responses": {
            str(one.status): {
                "description": "Done." if one.status != 202 else "It is under way.",
                "content": {"application/json": {"schema": refs[one.answer, "serialization"]}},
            },
            **_errors(one.all_errors),
        },
    }
    if more:
        shown["description"] = more
    if one.body is not None:
        schema = refs[one.body, "validation"]
        shown["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return shown


def _parameters(one: Operation) -> list[dict[str, Any]]:
    path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
        }
        for name in re.findall(r"\{(\w+):id\}", one.path)
    ]
    return path + [{"name": name, "in": "query", "schema": dict(schema)} for name, schema in one.query.items()]


def _errors(statuses: Sequence[int]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REF.format(model="ErrorRead")}}}
    return {str(status): {"description": _ERRORS[status], "content": content} for status in statuses}


def _plain(path: str) -> str:
    return path.replace(":id}", "}")
