"""Server-sent events, decoded without any I/O.

Only newline *bytes* (LF, CRLF, CR) end a line: the gateway sends a raw U+2028 inside its JSON, at which
``str.splitlines`` would cut. Payloads stay bytes, so invalid UTF-8 passes through for the reader to judge.
"""

# aiohttp's own line iteration gives up at 512 KiB with an error that is no ClientError. A line here is one token or
# so, about 300 bytes; 1 MiB leaves room for whole answers sent as one event and still bounds the memory.
MAX_LINE_BYTES = 1024 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SSEDecoder:
    """Turns pieces of a byte stream, split anywhere, into the data of each event.

    Event names, ids and retry times are dropped: the gateway sends none. An event that the stream's end cuts off
    is dropped too, as the specification says. ``overflowed`` turns true for good when one line, or the data lines
    of one event together, are longer than ``MAX_LINE_BYTES``; the events before it are still returned.
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_data_bytes", "_held", "_held_bytes", "overflowed")

    def __init__(self) -> None:
        self.overflowed = False
        self._held: list[bytes] = []  # pieces of a line whose end has not come
        self._held_bytes = 0
        self._data: list[bytes] = []  # data lines of an event whose end has not come
        self._data_bytes = 0
        self._after_cr = False  # the last byte was CR: a following LF belongs to it
        self._at_start = True

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of the events that ``piece`` completes."""
        if self.overflowed:
            return []
        if self._after_cr or b"\r" in piece:
            piece = self._with_line_feeds(piece)
        head, newline, tail = piece.rpartition(b"\n")
        events: list[bytes] = []
        if newline:
            if self._held:
                head = self._joined(head)
            events = self._events(head)
        if tail:
            self._hold(tail)
        return events

    def _with_line_feeds(self, piece: bytes) -> bytes:
        if self._after_cr and piece.startswith(b"\n"):
            piece = piece[1:]
            self._after_cr = False
        if piece:
            self._after_cr = piece.endswith(b"\r")
        return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _hold(self, tail: bytes) -> None:
        self._held.append(tail)
        self._held_bytes += len(tail)
        if self._held_bytes > MAX_LINE_BYTES:
            self._overflow()

    def _joined(self, head: bytes) -> bytes:
        self._held.append(head)
        head = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return head

    def _events(self, head: bytes) -> list[bytes]:
        if self._at_start:
            self._at_start = False
            head = head.removeprefix(_BYTE_ORDER_MARK)
        events: list[bytes] = []
        data = self._data
        for line in head.split(b"\n"):
            if not line:
                if data:
                    events.append(data[0] if len(data) == 1 else b"\n".join(data))
                    data.clear()
                    self._data_bytes = 0
                continue
            if line.startswith(b"data:"):
                data.append(line[6:] if line[5:6] == b" " else line[5:])
                self._data_bytes += len(line)
            elif line == b"data":
                data.append(b"")
                self._data_bytes += len(line)
            if len(line) > MAX_LINE_BYTES or self._data_bytes > MAX_LINE_BYTES:
                self._overflow()
                break
        return events

    def _overflow(self) -> None:
        self.overflowed = True
        self._held.clear()
        self._data.clear()
