"""The OpenAPI description, made of the rows of `calls`."""

from importlib import metadata
from typing import Any

from meterproto.tokens import METER_LIMIT

from budgetmeter.web.calls import CALLS, SCHEMAS, Call
from budgetmeter.web.counter import CARD_SIZE

_SAID = {
    400: "A value cannot be used.",
    401: "The secret is missing or wrong.",
    403: "Not for this caller, or not for this meter.",
    404: "No such meter.",
    409: "Not now, or not with this meter.",
    413: "The body is too large.",
}
_NUMBER = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "serial number of the meter",
    "schema": {"type": "integer", "minimum": 1, "maximum": METER_LIMIT},
}
_OCTETS = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def description() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    paths["/meters/{number}/stream"] = {"get": _stream()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "budgetmeter",
            "version": metadata.version("budgetmeter"),
            "description": "Emulated budget meters: see them and touch them.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"secret": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"secret": []}],
    }


def _operation(call: Call) -> dict[str, Any]:
    statuses = [401, 403, *call.refusals]
    if call.of_meter:
        statuses.append(404)
    if call.body or call.query:
        statuses += [400, 413]
    made: dict[str, Any] = {
        "operationId": call.work,
        "summary": call.meaning,
        "parameters": [_NUMBER] if call.of_meter else [],
        "responses": {str(call.status): _answer(call), **{str(s): _said(s) for s in statuses}},
    }
    for field in call.query:
        schema = field.schema()
        made["parameters"].append({"name": field.name, "in": "query", "schema": schema})
    if call.body == "octets":
        made["requestBody"] = {
            "description": f"the {CARD_SIZE} octets of a card",
            "required": True,
            "content": _OCTETS,
        }
    elif call.body:
        schema = {
            "type": "object",
            "properties": {field.name: field.schema() for field in call.body},
            "required": [field.name for field in call.body if field.needed],
            "additionalProperties": False,
        }
        needed = bool(schema["required"])
        content = {"application/json": {"schema": schema}}
        made["requestBody"] = {"required": needed, "content": content}
    return made


def _answer(call: Call) -> dict[str, Any]:
    if not call.answer:
        return {"description": "Done."}
    if call.answer == "octets":
        return {"description": "The card.", "content": _OCTETS}
    schema = {"$ref": f"#/components/schemas/{call.answer}"}
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _said(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": _SAID[status], "content": {"application/json": {"schema": schema}}}


def _stream() -> dict[str, Any]:
    """The stream is no JSON, so that it stands in no row."""
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        "operationId": "stream",
        "summary": "What changes, as it changes: events `view` and `happened`, data in JSON.",
        "parameters": [_NUMBER],
        "responses": {
            "200": {"description": "Server-sent events, without end.", "content": content},
            **{str(status): _said(status) for status in (401, 403, 404)},
        },
    }
