"""The endpoints: each reads a request, passes the gateway's checks and answers."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import _errors, _shapes
from ._calls import Call, read_call
from ._embeddings import as_base64, embed
from ._exchange import Exchange
from ._frames import Frame, Stream, spoiled
from ._generation import Generation, generate
from ._log import ApiRequest
from ._refusals import check_embedding_window, check_template, check_window, refusal, window_error
from ._sending import ChunkedBody, CloseDelimitedBody, send_frames
from ._tokenizer import count_messages, count_tokens

if TYPE_CHECKING:
    from ._calls import Endpoint
    from ._keys import KeyState
    from ._models import ModelSpec
    from ._server import LocalInfermatic

Answer = Callable[[Exchange], Awaitable[web.StreamResponse]]

_COUNTER_OVERHEAD = {"1.66.3": 0, "1.83.14": 4}
"""The two versions count the same messages differently; the count is an estimate in both."""


class Endpoints:
    """The routes of the gateway, over one LocalInfermatic."""

    def __init__(self, api: LocalInfermatic) -> None:
        self._api = api

    def add_to(self, app: web.Application) -> None:
        """Register the routes; anything else is a 404 or 405 as the gateway words them."""
        routes: dict[tuple[str, str], Answer] = {
            ("GET", "/v1/models"): self._models,
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/completions"): self._text,
            ("POST", "/v1/embeddings"): self._embeddings,
            ("POST", "/utils/token_counter"): self._token_counter,
        }
        methods = {path: method for method, path in routes}

        async def dispatch(request: web.Request) -> web.StreamResponse:
            answer = routes.get((request.method, request.path))
            if answer is not None:
                return await self._exchange(request, answer)
            if request.path in methods:
                allow = {"allow": methods[request.path]}
                return web.json_response({"detail": "Method Not Allowed"}, status=405, headers=allow)
            return web.json_response({"detail": "Not Found"}, status=404)

        app.router.add_route("*", "/{path:.*}", dispatch)

    async def _exchange(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        """Answer one request and keep the record of it."""
        api = self._api
        body = await _json_body(request)
        key = request.headers.get("Authorization", "").removeprefix("Bearer ") or None
        stream = bool(body.get("stream")) and request.path != "/v1/embeddings"
        record = ApiRequest(request.method, request.path, body, key, time.monotonic(), stream=stream)
        api.remember(record)
        try:
            response = await answer(Exchange(api, request, record))
            record.status = response.status
            record.ended = record.ended or "complete"
        except _errors.GatewayError as error:
            record.status, record.ended = error.status, "complete"
            response = error.response()
        except (asyncio.CancelledError, ConnectionError):
            record.ended = record.ended or ("left" if api.running else "stopped")
            raise
        finally:
            record.ended = record.ended or "failed"
            record.finished_at = time.monotonic()
            api.note(record)
        return response

    async def _models(self, exchange: Exchange) -> web.StreamResponse:
        key = exchange.authenticate()
        models = [spec for spec in self._api.models.values() if key.may_use(spec.id)]
        if self._api.gateway == "1.66.3":  # its order changed from one request to the next
            models = models[::-1] if exchange.record.number % 2 else models
        return _json(_shapes.models_list(models))

    async def _token_counter(self, exchange: Exchange) -> web.StreamResponse:
        exchange.authenticate()
        body, version = exchange.body, self._api.gateway
        prompt, messages = body.get("prompt"), body.get("messages")
        if prompt is not None and not isinstance(prompt, str):
            problem = {"type": "string_type", "loc": ["body", "prompt"], "msg": "Input should be a valid string"}
            return _json({"detail": [{**problem, "input": prompt}]}, status=422)
        if messages is not None and not _is_list_of_objects(messages):
            problem = {"type": "list_type", "loc": ["body", "messages"], "msg": "Input should be a valid list"}
            return _json({"detail": [{**problem, "input": messages}]}, status=422)
        if prompt is None and messages is None:
            told = "prompt or messages must be provided" if version == "1.66.3" else ""
            return _json({"detail": told or "prompt or messages or contents must be provided"}, status=400)
        if prompt is not None and messages is not None and version == "1.83.14":
            return web.Response(status=500, text="Internal Server Error")
        if messages is not None:
            total = count_messages(messages) + _COUNTER_OVERHEAD[version]
        else:
            total = count_tokens(str(prompt))
        return _json(_counted(str(body.get("model")), total, self._api.models, version))

    async def _chat(self, exchange: Exchange) -> web.StreamResponse:
        return await self._generate(exchange, "chat/completions")

    async def _text(self, exchange: Exchange) -> web.StreamResponse:
        return await self._generate(exchange, "completions")

    async def _generate(self, exchange: Exchange, endpoint: Endpoint) -> web.StreamResponse:
        key = await self._admit(exchange)
        with exchange.slot(key):
            await self._refuse(exchange)
            spec = self._spec(exchange, endpoint)
            call = read_call(endpoint, spec.id, exchange.body, self._api.gateway)
            check_template(call, spec, self._api.gateway)
            limit = self._api.context_windows.get(spec.id, spec.context_window)
            check_window(call, limit, self._api.gateway)
            if exchange.fault is not None and exchange.fault.kind == "context_window":
                raise window_error(call, int(exchange.fault.details.get("limit", 8192)), self._api.gateway)
            reply = self._api.replies.take(spec.id)
            generation = generate(call, spec, limit, reply, variation=exchange.record.number)
            exchange.record.text = "\n".join(choice.text for choice in generation.choices)
            seconds = self._api.first_token_seconds + generation.longest / self._speed(exchange)
            exchange.backend_ends_at = self._api.clock() + seconds
            if call.stream:
                return await self._stream(exchange, key, call, generation)
            return await self._whole(exchange, key, call, generation, seconds)

    async def _admit(self, exchange: Exchange) -> KeyState:
        """Find the fault and the key; what fails here is not counted against the key."""
        model = exchange.body.get("model")
        exchange.fault = fault = self._api.faults.take(exchange.record.path, model if isinstance(model, str) else None)
        if fault is not None and fault.kind == "drop_connection":
            exchange.record.ended = "cut"
            if exchange.request.transport is not None:
                exchange.request.transport.close()
            raise ConnectionResetError
        key = exchange.authenticate()
        if fault is not None and fault.kind == "unauthorized_once":
            raise _errors.unknown_key(key.key, self._api.gateway)
        if isinstance(model, str) and not key.may_use(model):
            raise _errors.model_not_in_plan(model, key.models or ())
        return key

    async def _refuse(self, exchange: Exchange) -> None:
        """Give the error answer that the request's fault stands for, if it is one of those."""
        if exchange.fault is None:
            return
        model = str(exchange.body.get("model"))
        error = refusal(exchange.fault, model, self._api.gateway, text_endpoint=exchange.is_text)
        if error is not None:
            await asyncio.sleep(exchange.fault.seconds or 0.0)
            raise error

    def _spec(self, exchange: Exchange, endpoint: Endpoint) -> ModelSpec:
        model = exchange.body.get("model")
        spec = self._api.models.get(model) if isinstance(model, str) else None
        if spec is None or (spec.kind == "embedding") != (endpoint == "embeddings"):
            raise _errors.unknown_model(model if isinstance(model, str) else None, endpoint, self._api.gateway)
        return spec

    def _speed(self, exchange: Exchange) -> float:
        if exchange.fault is not None and exchange.fault.kind == "slow":
            return float(exchange.fault.details.get("tokens_per_second", 2.0))
        return self._api.tokens_per_second

    async def _stream(
        self, exchange: Exchange, key: KeyState, call: Call, generation: Generation
    ) -> web.StreamResponse:
        api, fault = self._api, exchange.fault
        answer_id = _shapes.answer_id(uuid.uuid4().hex, text=call.is_text, stream=True, version=api.gateway)
        chunks = _shapes.chunks_for(call, answer_id, int(time.time()), api.gateway)
        stream = Stream(call, chunks, generation, api.gateway, api.first_token_seconds, api.chunk_tokens)
        headers = _shapes.success_headers(call.model, api.gateway, 0.0) | exchange.limit_headers(key)
        closes = fault is not None and fault.kind == "close"
        body = (CloseDelimitedBody if closes else ChunkedBody)(exchange.request, headers)
        whole = await send_frames(
            _noting_start(spoiled(stream, fault), exchange.record),
            body,
            lambda: self._speed(exchange),
            api.gate,
            headers_first=not call.is_text,
        )
        if not whole:
            exchange.record.ended = "cut"
        return body.response

    async def _whole(
        self, exchange: Exchange, key: KeyState, call: Call, generation: Generation, seconds: float
    ) -> web.StreamResponse:
        """Answer without a stream, after the time that the text would have taken."""
        api, fault = self._api, exchange.fault
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind in {"stall", "stall_first"}:
            await (asyncio.Event().wait() if fault.seconds is None else asyncio.sleep(fault.seconds))
        if api.gate.holds(generation.longest):
            await api.gate.opened()
        await asyncio.sleep(seconds)
        if kind in {"upstream_cut", "made_up_finish", "error_frame", "upstream_end"}:
            raise _errors.internal_error(call.model, api.gateway)
        answer_id = _shapes.answer_id(uuid.uuid4().hex, text=call.is_text, stream=False, version=api.gateway)
        answer = _shapes.completion(call, generation, answer_id, int(time.time()), api.gateway)
        _spoil_whole(answer, kind)
        headers = _shapes.success_headers(call.model, api.gateway, seconds) | exchange.limit_headers(key)
        data = _shapes.dumps(answer)
        if kind == "garbage":
            data = data[: len(data) // 2]
        if kind in {"cut", "close"}:
            return await _half_of(exchange, data, headers)
        return web.Response(body=data, headers={**headers, "Content-Type": "application/json"})

    async def _embeddings(self, exchange: Exchange) -> web.StreamResponse:
        key = await self._admit(exchange)
        with exchange.slot(key):
            await self._refuse(exchange)
            spec = self._spec(exchange, "embeddings")
            texts = _embedding_input(exchange.body, spec.id)
            counts = [count_tokens(text) for text in texts]
            check_embedding_window(counts, spec.id, self._api.context_windows.get(spec.id, spec.context_window))
            await asyncio.sleep(min(self._api.first_token_seconds, 1.0))
            as_text = exchange.body.get("encoding_format") == "base64"
            vectors = [as_base64(vector) if as_text else vector for vector in map(embed, texts)]
            data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
            usage = {"completion_tokens": 0, "prompt_tokens": sum(counts), "total_tokens": sum(counts)}
            answer = {"model": spec.id, "data": data, "object": "list", "usage": usage}
            headers = _shapes.success_headers(spec.id, self._api.gateway, 0.0) | exchange.limit_headers(key)
            return web.Response(body=_shapes.dumps(answer), headers={**headers, "Content-Type": "application/json"})


def _noting_start(frames: Iterator[Frame], record: ApiRequest) -> Iterator[Frame]:
    """Note when the first token is on its way: when the frame after it is asked for."""
    for frame in frames:
        yield frame
        if frame.part == "token" and record.first_token_at is None:
            record.first_token_at = time.monotonic()


async def _json_body(request: web.Request) -> dict[str, Any]:
    """Return the body; anything that is no JSON object counts as an empty one, as with the gateway."""
    raw = await request.read()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=_shapes.dumps(value), content_type="application/json")


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _counted(model: str, total: int, models: dict[str, ModelSpec], version: _errors.GatewayVersion) -> dict[str, Any]:
    """Return the counter's answer; an unknown model gets a count as well, with the default tokenizer."""
    spec = models.get(model)
    answer: dict[str, Any] = {
        "total_tokens": total,
        "request_model": model,
        "model_used": f"Infermatic/{model}" if spec else model,
        "tokenizer_type": spec.tokenizer_type if spec else "openai_tokenizer",
    }
    if version == "1.83.14":
        answer.update({"original_response": None, "error": False, "error_message": None, "status_code": None})
    return answer


def _spoil_whole(answer: dict[str, Any], kind: str) -> None:
    """Change a whole answer as the fault says."""
    if kind == "empty_choices":
        answer["choices"] = []
    for choice in answer["choices"]:
        message, name = (choice["message"], "content") if "message" in choice else (choice, "text")
        if kind == "empty":
            message[name] = ""
        elif kind == "null_content":
            message[name] = None
        elif kind == "nul":
            message[name] += " \0 "
        elif kind == "lone_surrogate":
            message[name] += " \ud83d "


async def _half_of(exchange: Exchange, data: bytes, headers: dict[str, str]) -> web.StreamResponse:
    """Announce the whole body, send half of it and close."""
    exchange.record.ended = "cut"
    length = {"Content-Length": str(len(data)), "Content-Type": "application/json"}
    response = web.StreamResponse(headers={**headers, **length})
    await response.prepare(exchange.request)
    await response.write(data[: len(data) // 2])
    if exchange.request.transport is not None:
        exchange.request.transport.close()
    return response


def _embedding_input(body: dict[str, Any], model: str) -> list[str]:
    given = body.get("input")
    if given is None:
        raise _errors.missing_argument("aembedding", "input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise _errors.bad_parameter("input must be a non-empty list", model, text_endpoint=True)
    if not all(isinstance(text, str) for text in texts):
        raise _errors.bad_parameter("input must be a list of strings", model, text_endpoint=True)
    return texts
