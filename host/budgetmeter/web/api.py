"""HTTP over a shelf of meters: an ASGI application, made of the rows of `calls`."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from budgetmeter.errors import BudgetmeterError
from budgetmeter.web import page
from budgetmeter.web.calls import CALLS, MAX_BODY, Call
from budgetmeter.web.guard import Guard
from budgetmeter.web.openapi import description
from budgetmeter.web.refusals import Refusal, missing
from budgetmeter.web.shelf import Shelf, work

LOOK_S = 0.2  # between two looks of a stream
SIGN_S = 15.0  # a stream says something at least so often
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self'; frame-ancestors 'self'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Handler = Callable[[Request], Awaitable[Response]]


def application(shelf: Shelf, guard: Guard) -> Starlette:
    """The application; every answer, errors too, is one of the OpenAPI description's."""
    known = page.contents()
    document = description()
    routes = [_route(shelf, guard, call) for call in CALLS]
    routes += [
        Route("/meters/{number}/stream", _guarded(guard, _stream(shelf)), methods=["GET"]),
        Route("/page.json", _guarded(guard, _fixed(known)), methods=["GET"]),
        Route("/openapi.json", _guarded(guard, _fixed(document)), methods=["GET"]),
        *(_file(guard, name) for name in ("index.html", page.STYLE, *page.SCRIPTS)),
    ]
    errors = {HTTPException: _http_error, Exception: _error}
    return Starlette(routes=routes, exception_handlers=errors)


# ---- Errors -----------------------------------------------------------------------------------


def _said(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    more = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    everything = {**HEADERS, **more, **(headers or {})}
    return JSONResponse({"error": sentence}, status, headers=everything)


async def _http_error(request: Request, error: Exception) -> Response:
    """No such path, or no such method of it."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        return _said(405, f"{request.method} is not a call of this path.", headers)
    return _said(error.status_code, "There is no such path: see /openapi.json.", headers)


async def _error(_request: Request, _error: Exception) -> Response:
    """What should not happen; the server's log has it."""
    return _said(500, "Something went wrong inside; the log of the server says what.")


def _guarded(guard: Guard, handler: Handler, open_to_all: bool = False) -> Handler:
    """A handler that the guard stands before, and whose refusals are answers."""

    async def handle(request: Request) -> Response:
        try:
            guard.judge(request.headers, open_to_all)
            return await handler(request)
        except Refusal as refusal:
            return _said(refusal.status, str(refusal))
        except BudgetmeterError as error:
            return _said(409, f"{error}.")

    return handle


# ---- Calls ------------------------------------------------------------------------------------


def _route(shelf: Shelf, guard: Guard, call: Call) -> Route:
    async def handle(request: Request) -> Response:
        given = call.read_query(request.query_params)
        given |= call.read_body(await _body(request), _media(request))
        if call.of_meter:
            given["number"] = _number(request)
        found = await asyncio.wrap_future(shelf.server.ask(work(shelf, call.work, given)))
        if call.answer == "octets":
            return Response(found, media_type="application/octet-stream", headers=HEADERS)
        if not call.answer:
            return Response(status_code=call.status, headers=HEADERS)
        return JSONResponse(found, call.status, headers=HEADERS)

    return Route(call.path, _guarded(guard, handle), methods=[call.method])


def _number(request: Request) -> int:
    """The meter a path names.

    :raises Refusal: no such meter
    """
    text = request.path_params["number"]
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise missing(f"There is no meter {text[:20]!a}.")
    return int(text)


def _media(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body(request: Request) -> bytes:
    """The body, as far as it may go.

    :raises Refusal: a body too large
    """
    found = bytearray()
    try:
        async for part in request.stream():
            found += part
            if len(found) > MAX_BODY:
                raise Refusal(413, f"A body has at most {MAX_BODY} octets.")
    except ClientDisconnect:
        raise Refusal(400, "The body is not whole.") from None
    return bytes(found)


# ---- The stream -------------------------------------------------------------------------------


def _stream(shelf: Shelf) -> Handler:
    async def handle(request: Request) -> Response:
        number = _number(request)
        first = (await _ask(shelf, "view", number))["events"]
        parts = _parts(shelf, number, first)
        return StreamingResponse(parts, media_type="text/event-stream", headers=HEADERS)

    return handle


async def _ask(shelf: Shelf, name: str, number: int, **given: Any) -> Any:
    done = work(shelf, name, {"number": number, **given})
    return await asyncio.wrap_future(shelf.server.ask(done))


async def _parts(shelf: Shelf, number: int, seen: int) -> AsyncIterator[str]:
    """Events of a meter for as long as it is there and somebody reads."""
    stamp, silent_s = None, 0.0
    try:
        while True:
            now = await _ask(shelf, "stamp", number)
            if now != stamp:
                stamp, silent_s = now, 0.0
                for entry in (await _ask(shelf, "events", number, first=seen))["events"]:
                    seen = entry["number"] + 1
                    yield _event("happened", entry)
                yield _event("view", await _ask(shelf, "view", number))
            elif silent_s >= SIGN_S:
                silent_s = 0.0
                yield ": still here\n\n"
            await asyncio.sleep(LOOK_S)
            silent_s += LOOK_S
    except (Refusal, BudgetmeterError):  # the meter is gone, or the server is
        return


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


# ---- The page ---------------------------------------------------------------------------------


def _fixed(document: dict[str, Any]) -> Handler:
    async def handle(_request: Request) -> Response:
        return JSONResponse(document, headers=HEADERS)

    return handle


def _file(guard: Guard, name: str) -> Route:
    """A file of the page, which anybody may have who reaches the server."""
    text = page.served(name)
    media = page.TYPES[name[name.rindex(".") :]]

    async def handle(_request: Request) -> Response:
        return Response(text, media_type=media, headers=HEADERS)

    path = "/" if name == "index.html" else f"/{name}"
    return Route(path, _guarded(guard, handle, open_to_all=True), methods=["GET"])
