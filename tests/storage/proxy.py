"""A line to PostgreSQL that can be cut, also between a commit and its answer."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Literal

Moment = Literal["before", "after", "meanwhile"]


class Proxy:
    """Listens on loopback and forwards to the server's socket."""

    def __init__(self, socket_folder: Path) -> None:
        self.socket = socket_folder / ".s.PGSQL.5432"
        self.port = 0
        self.cuts = 0
        self._server: asyncio.Server | None = None
        self._lines: dict[_Line, asyncio.Task[None]] = {}
        self._cut_commit: Moment | None = None

    async def start(self) -> None:
        """Accept connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections and cut those there are."""
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._lines.values(), return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Cut every line; the server notices, as it would a process that died."""
        for line in self._lines:
            line.cut()

    def cut_next_commit(self, moment: Moment) -> None:
        """Cut the next line that commits: before the server hears of it, after it has done it, or while it does."""
        self._cut_commit = moment

    def take_cut(self) -> Moment | None:
        """What to do with a commit."""
        moment, self._cut_commit = self._cut_commit, None
        self.cuts += moment is not None
        return moment

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self.socket)
        line = _Line(self, writer, server_writer)
        task = asyncio.current_task()
        assert task is not None
        self._lines[line] = task
        try:
            await asyncio.gather(line.up(reader), line.down(server_reader), return_exceptions=True)
        finally:
            del self._lines[line]
            await line.close()


class _Line:
    """One connection and its counterpart."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._cut_on_answer = False

    def cut(self) -> None:
        self._client.transport.abort()
        self._server.transport.abort()

    async def up(self, client: asyncio.StreamReader) -> None:
        while data := await client.read(65536):
            moment = self._proxy.take_cut() if b"COMMIT;" in data else None
            if moment == "before":
                self.cut()
                return
            if moment is not None:
                self._cut_on_answer = True
            if moment == "meanwhile":
                self._client.transport.abort()
                await asyncio.sleep(0.08)  # long enough for the client to ask what became of it
            self._server.write(data)
            await self._server.drain()

    async def down(self, server: asyncio.StreamReader) -> None:
        while data := await server.read(65536):
            if self._cut_on_answer:
                break
            self._client.write(data)
            await self._client.drain()
        self.cut()

    async def close(self) -> None:
        for writer in (self._client, self._server):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
