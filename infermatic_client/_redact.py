"""Take out of a server's text whatever tells something about a key."""

import re

# Recorded from LiteLLM 1.66.3 and 1.83.14: "key=<sha256>", "api_key: <sha256>", "Received API Key = sk-...9999",
# "Passed in: sk-lab-user", "Received=hello, expected to start with 'sk-'", and the hash alone as "param".
_HEX_DIGEST = re.compile(r"\b[0-9a-fA-F]{32,}\b")
_KEY = re.compile(r"\bsk-[\w.\-*]+")
_ECHO = re.compile(r"(?i)(Passed in: *|Received(?: API Key)? *= *|Bearer +)(?!\[)[^\s,\"'\\]+")

_HIDDEN = "[hidden]"


class Secret:
    """A key that no repr shows, not even that of a local variable in a traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return _HIDDEN

    def reveal(self) -> str:
        """Return the key itself."""
        return self._value


NO_SECRET = Secret("")


def redact(text: str, key: Secret = NO_SECRET) -> str:
    """Return ``text`` without the given key and without anything that looks like a key, its tail or its hash."""
    if key.reveal():
        text = text.replace(key.reveal(), _HIDDEN)
    text = _KEY.sub(_HIDDEN, text)
    text = _HEX_DIGEST.sub(_HIDDEN, text)
    return _ECHO.sub(rf"\1{_HIDDEN}", text)
