"""What both databases can hold: no NUL (PostgreSQL refuses it), no lone surrogate (SQLite's driver does)."""

from typing import Any


def clean_text(text: str) -> str:
    """The text without NUL; surrogate pairs are joined and a lone surrogate becomes U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def clean_json(value: Any) -> Any:
    """The same JSON value with every text in it cleaned, object names too."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(name): clean_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value
