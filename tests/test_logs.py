import json
import logging
import sys

import pytest

from logs import RedactingFormatter, hide_in_logs, set_up_logging

SECRETS = ("canary-token-1", "canary-key-22")


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("test", logging.ERROR, __file__, 1, message, args, info)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "leak",
    [
        "canary-token-1",
        "canary-key-22",
        "sk-abcdefgh12345678",
        "Authorization: Bearer abc.def.ghi",
        "postgresql://user:hunter2@host/db",
        "https://host/api/webhooks/123456/AbC-dEf_123",
    ],
)
def test_no_secret_is_written(leak: str, as_json: bool) -> None:
    formatter = RedactingFormatter(SECRETS, as_json=as_json)
    try:
        raise RuntimeError(leak)
    except RuntimeError as error:
        line = formatter.format(record("it says %s", leak, error=error))
    for secret in ("canary", "abcdefgh", "abc.def", "hunter2", "AbC-dEf"):
        assert secret not in line
    assert "it says" in line


def test_json_is_one_line_with_its_traceback_inside() -> None:
    formatter = RedactingFormatter((), as_json=True)
    try:
        raise ValueError("x")
    except ValueError:
        info = sys.exc_info()
    entry = logging.LogRecord("test", logging.WARNING, __file__, 1, "a\nb", (), info)
    line = formatter.format(entry)
    assert "\n" not in line
    fields = json.loads(line)
    assert fields["message"] == "a\nb"
    assert "ValueError" in fields["traceback"]


def test_short_words_are_no_secrets() -> None:
    assert RedactingFormatter(("a", ""), as_json=False).redact("banana") == "banana"


def test_secrets_that_become_known_later_are_blotted_out_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    set_up_logging("DEBUG", "text", SECRETS)
    for secret in ("plain canary word", "short", "sk-canary-12345678"):
        hide_in_logs(secret)
    logging.getLogger("test").debug("a plain canary word, sk-canary-12345678 and %s", "canary-token-1")
    written = capsys.readouterr().err
    assert "a [redacted], [redacted] and [redacted]" in written
