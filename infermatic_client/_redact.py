"""Take out of a server's text whatever tells something about a key."""

import re

# Recorded from LiteLLM 1.66.3 and 1.83.14: "key=<sha256>", "api_key: <sha256>", "Received API Key = sk-...9999",
# "Passed in: sk-lab-user", "Received=hello, expected to start with 'sk-'", and the hash alone as "param".
_HEX_DIGEST = re.compile(r"\b[0-9a-fA-F]{32,}\b")
_KEY = re.compile(r"\bsk-[\w.\-*]+")
_ECHO = re.compile(r"(?i)(Passed in: *|Received(?: API Key)? *= *|Bearer +)(?!\[)[^\s,\"'\\]+")

_HIDDEN = "[hidden]"


def redact(text: str, key: str = "") -> str:
    """Return ``text`` without the given key and without anything that looks like a key, its tail or its hash."""
    if key:
        text = text.replace(key, _HIDDEN)
    text = _KEY.sub(_HIDDEN, text)
    text = _HEX_DIGEST.sub(_HIDDEN, text)
    return _ECHO.sub(rf"\1{_HIDDEN}", text)
