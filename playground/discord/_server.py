"""The one HTTP server: REST under /api, the gateway under /gateway, files under /cdn."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp.multipart import MultipartReader

from playground.discord import (  # noqa: F401 - importing the modules fills the table of routes
    _rest_applications,
    _rest_channels,
    _rest_guilds,
    _rest_interactions,
    _rest_messages,
    _rest_threads,
    _rest_users,
    _rest_webhooks,
    events,
)
from playground.discord._call import Call, Reply, Upload
from playground.discord._requests import RestRequest
from playground.discord._router import Route, routes
from playground.discord.errors import ApiError, api_error

if TYPE_CHECKING:
    from playground.discord._faults import Fault
    from playground.discord._state import State

_log = logging.getLogger(__name__)
_API = re.compile(r"/api(?:/v\d+)?(?=/)")
_FILE_FIELD = re.compile(r"files\[(\d+)\]")
Answer = tuple[int, Any, dict[str, str]]


class Server:
    """Receives requests and hands them to the state's handlers."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port."""
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Hang up and free the port."""
        self.state.gateway.close_all(1001)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if match := _API.match(path):
            return await self._handle_rest(request, path[match.end() :])
        if path.startswith("/cdn/"):
            return await self._handle_file(request)
        if path.startswith("/gateway"):
            return await self.state.gateway.serve(request)
        return web.Response(status=404)

    async def _handle_file(self, request: web.BaseRequest) -> web.Response:
        record = self._record(request, request.path, "/cdn")
        fault = self.state.faults.strike(record)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is not None and (fault.cut or fault.status is not None):
            return self._respond(record, _fail(request, fault))
        found = self.state.cdn.get(request.path.removeprefix("/cdn/"))
        record.status, record.finished_at = 404 if found is None else 200, self.state.clock()
        self.state.publish(events.RequestAnswered(record))
        if found is None:
            return web.Response(status=404)
        data, content_type = found
        return web.Response(body=data, content_type=content_type)

    def _record(self, request: web.BaseRequest, path: str, route: str) -> RestRequest:
        headers, query = dict(request.headers), dict(request.query)
        record = RestRequest(request.method, path, route, None, self.state.clock(), headers, query)
        self.state.requests.add(record)
        return record

    async def _handle_rest(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        route, parameters, known = routes.find(request.method, path)
        record = self._record(request, unquote(path), route.template if route else unquote(path))
        try:
            call = await self._read(request, record, parameters)
            answer = await self._answer(request, record, call, route, known=known)
        except ApiError as error:
            answer = (error.status, error.payload(), {})
        return self._respond(record, answer)

    async def _read(self, request: web.BaseRequest, record: RestRequest, parameters: dict[str, str]) -> Call:
        if request.content_type.startswith("multipart/"):
            record.body, files = await _read_multipart(request)
        else:
            record.body, files = _decode(await request.content.read()), {}
        has_token = request.headers.get("Authorization") == f"Bot {self.state.token}"
        return Call(self.state, parameters, record.query, record.body, files, has_token)

    async def _answer(
        self, request: web.BaseRequest, record: RestRequest, call: Call, route: Route | None, *, known: bool
    ) -> Answer | None:
        """Give status, body and headers; None when the connection was cut."""
        fault = self.state.faults.strike(record)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is not None and not fault.after and (fault.cut or fault.status is not None):
            return _fail(request, fault)
        if route is None:
            status, words = (405, "Method Not Allowed") if known else (404, "Not Found")
            return status, {"message": f"{status}: {words}", "code": 0}, {}
        answer = self._act(record, call, route)
        if fault is not None and fault.after:
            return _fail(request, fault)
        return answer

    def _act(self, record: RestRequest, call: Call, route: Route) -> Answer:
        if route.needs_token and not call.has_token:
            return 401, {"message": "401: Unauthorized", "code": 0}, {}
        state = self.state
        verdict = state.rate_limits.check(
            route.method,
            route.template,
            call.parameters,
            wall=state.wall_clock(),
            caller=self._caller(call, route),
        )
        if not verdict.allowed:
            return 429, verdict.body(), verdict.headers
        try:
            result = route.handler(call)
        except ApiError as error:
            return error.status, error.payload(), verdict.headers
        except Exception:  # noqa: BLE001 - whatever is wrong with a request, its sender gets an answer
            _log.exception("%s %s failed", record.method, record.path)
            return 500, {"message": "500: Internal Server Error", "code": 0}, verdict.headers
        if isinstance(result, Reply):
            return result.status, result.body, verdict.headers
        return (204 if result is None else 200), result, verdict.headers

    def _caller(self, call: Call, route: Route) -> str | None:
        """Say whose global limit a request counts against; answers to interactions count against nobody's."""
        if route.is_interaction or call.parameters.get("token") in self.state.interactions.by_token:
            return None
        return "bot" if call.has_token else "address"

    def _respond(self, record: RestRequest, answer: Answer | None) -> web.Response:
        record.finished_at = self.state.clock()
        if answer is None:
            self.state.publish(events.RequestAnswered(record))
            return web.Response()  # nobody is left to read it
        status, body, headers = answer
        record.status, record.answer = status, body
        self.state.publish(events.RequestAnswered(record))
        if body is None:
            return web.Response(status=status, headers=headers)
        # discord.py compares this header as a whole: a charset would make it treat JSON as text.
        headers = headers | {"Content-Type": "application/json"}
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers | {"Content-Type": "text/html"})
        return web.Response(status=status, body=msgspec.json.encode(body), headers=headers)


def _fail(request: web.BaseRequest, fault: Fault) -> Answer | None:
    if not fault.cut:
        return fault.answer()
    if request.transport is not None:
        request.transport.abort()
    return None


def _decode(data: bytes) -> Any:
    if not data:
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise api_error(50109) from None


async def _read_multipart(request: web.BaseRequest) -> tuple[Any, dict[int, Upload]]:
    """Read payload_json and the files, whose fields are named files[0], files[1] and so on."""
    body: Any = None
    files: dict[int, Upload] = {}
    reader = MultipartReader(request.headers, request.content)
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read(decode=True))
        field = _FILE_FIELD.fullmatch(part.name or "")
        if part.name == "payload_json":
            body = _decode(data)
        elif field:
            files[int(field[1])] = Upload(part.filename or "file", data)
    return body, files
