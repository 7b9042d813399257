"""Logging without secrets: one line a record, as text or JSON, with everything secret blotted out."""

import json
import logging
import re
import sys
from collections.abc import Iterable

BLOT = "[redacted]"
# What tokens and keys look like, for those that the settings do not know (a server's own key, one in an address).
SECRET_SHAPES = re.compile(
    r"sk-[\w-]{8,}|Bearer\s+[\w.~+/=-]+|Bot\s+[\w-]{20,}\.[\w-]+\.[\w-]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)", re.IGNORECASE
)
# Interaction tokens and webhook tokens stand in addresses.
TOKEN_IN_ADDRESS = re.compile(r"(/(?:webhooks|interactions)/\d+/)[\w-]+")


class RedactingFormatter(logging.Formatter):
    """Formats records, tracebacks included, and blots secrets out of the finished text."""

    def __init__(self, secrets: Iterable[str], *, as_json: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self._as_json = as_json
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """Blot these out from now on, too. What looks like a key is found anyway."""
        new = {secret for secret in secrets if len(secret) >= 6 and not SECRET_SHAPES.fullmatch(secret)}
        if new <= self._secrets:
            return
        self._secrets |= new
        known = sorted(self._secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        """The record as one redacted line (and a traceback below it, as text)."""
        if not self._as_json:
            return self.redact(super().format(record))
        fields = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: self.redact(value) for name, value in fields.items()}, ensure_ascii=False)

    def redact(self, text: str) -> str:
        """The text without anything secret."""
        if self._known is not None:
            text = self._known.sub(BLOT, text)
        return TOKEN_IN_ADDRESS.sub(rf"\1{BLOT}", SECRET_SHAPES.sub(BLOT, text))


def set_up_logging(level: str, log_format: str, secrets: Iterable[str]) -> None:
    """Send all logs to standard error, redacted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(secrets, as_json=log_format == "json"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("discord").setLevel(max(logging.INFO, root.level))
    for noisy in ("discord.gateway", "discord.client", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def hide_in_logs(secret: str) -> None:
    """Blot out a secret that became known after the start."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, RedactingFormatter):
            handler.formatter.hide(secret)
