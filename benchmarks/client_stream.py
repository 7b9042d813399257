"""CPU per streamed chunk: this client, the openai package, and a bare loop over aiohttp's lines.

``python -m benchmarks.client_stream`` starts a server process that writes a chat stream one event at a time, reads
it with each of the three in turn, several times, and prints medians. Ends with status 1 when this client takes more
than 1/15 of what openai takes, or more than 1.2 times the bare loop.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import aiohttp
import openai

from infermatic_client import InfermaticClient, Sampling

OPENAI_SHARE = 1 / 15
BARE_SHARE = 1.2

MODEL = "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic"
QUESTION = "Tell me a long story."
MESSAGES = [{"role": "user", "content": QUESTION}]

Reader = Callable[[], Awaitable[int]]


def events(count: int) -> list[bytes]:
    """Build the events of one answer, shaped as LiteLLM 1.83.14 sends them."""
    head = {"id": "chatcmpl-c654a15e946948f382e14e2f3a762cfc", "created": 1795345441, "model": MODEL}
    head["object"] = "chat.completion.chunk"
    deltas: list[dict[str, str]] = [{"content": "", "role": "assistant"}]
    deltas += [{"content": f" word{number}"} for number in range(count)]
    chunks: list[object] = [head | {"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append(head | {"choices": [{"finish_reason": "stop", "index": 0, "delta": {}}]})
    usage = {"completion_tokens": count, "prompt_tokens": 6, "total_tokens": count + 6}
    chunks.append(head | {"choices": [{"index": 0, "delta": {}}], "usage": usage})
    lines = [json.dumps(chunk, separators=(",", ":")).encode() for chunk in chunks]
    return [b"data: " + line + b"\n\n" for line in [*lines, b"[DONE]"]]


async def serve(count: int) -> None:
    """Answer every request with the same stream, one event per write, flushed; print the port."""
    parts = [b"%x\r\n%s\r\n" % (len(event), event) for event in events(count)]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(body_length(request))
                writer.write(head)
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def body_length(request: bytes) -> int:
    """Find the length of a request's body in its head."""
    for line in request.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


@contextmanager
def server_process(count: int) -> Iterator[str]:
    """Run ``serve`` in a process of its own and give its address."""
    command = [sys.executable, "-m", "benchmarks.client_stream", "--serve", "--chunks", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def ours(client: InfermaticClient) -> Reader:
    """Read with this client."""

    async def read() -> int:
        chunks = 0
        async with client.stream_chat(MODEL, MESSAGES, sampling=Sampling(max_tokens=8000)) as stream:
            async for delta in stream:
                chunks += bool(delta.text)
        assert stream.finish_reason == "stop"
        return chunks

    return read


def openai_package(client: openai.AsyncOpenAI) -> Reader:
    """Read with the openai package."""

    async def read() -> int:
        chunks = 0
        stream = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}], stream=True
        )
        async for chunk in stream:
            chunks += bool(chunk.choices[0].delta.content)
        return chunks

    return read


def bare(session: aiohttp.ClientSession, url: str) -> Reader:
    """Read with as little as possible, without any checks."""

    async def read() -> int:
        chunks = 0
        body = {"model": MODEL, "messages": MESSAGES, "stream": True}
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            async for line in response.content:
                if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                    continue
                chunk = json.loads(line[6:])
                chunks += bool(chunk["choices"][0]["delta"].get("content"))
        return chunks

    return read


async def measure(url: str, count: int, repeats: int) -> dict[str, float]:
    """Return the median microseconds of CPU per chunk of each reader, taken in turns."""
    async with (
        InfermaticClient("sk-benchmark", url) as client,
        openai.AsyncOpenAI(api_key="sk-benchmark", base_url=f"{url}/v1") as package,
        aiohttp.ClientSession() as session,
    ):
        readers = {
            "infermatic_client": ours(client),
            "openai": openai_package(package),
            "bare loop": bare(session, url),
        }
        taken: dict[str, list[float]] = {name: [] for name in readers}
        for repeat in range(repeats + 1):
            for name, read in readers.items():
                before = time.process_time()
                chunks = await read()
                microseconds = (time.process_time() - before) / count * 1e6
                if chunks != count:
                    raise RuntimeError(f"{name} read {chunks} of {count} chunks")
                if repeat > 0:  # the first round connects and warms up
                    taken[name].append(microseconds)
    return {name: statistics.median(values) for name, values in taken.items()}


def main() -> int:
    """Print the table, tell whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.chunks))
        return 0
    with server_process(options.chunks) as url:
        medians = asyncio.run(measure(url, options.chunks, options.repeats))
    for name, microseconds in medians.items():
        print(f"{name:18} {microseconds:8.2f} µs of CPU per chunk")
    of_openai = medians["infermatic_client"] / medians["openai"]
    of_bare = medians["infermatic_client"] / medians["bare loop"]
    print(f"of openai: 1/{1 / of_openai:.1f} (at most 1/15)   of the bare loop: {of_bare:.2f} (at most {BARE_SHARE})")
    return int(of_openai > OPENAI_SHARE or of_bare > BARE_SHARE)


if __name__ == "__main__":
    sys.exit(main())
