"""Discord's rules for what may stand in a message, with its error codes."""

from __future__ import annotations

from typing import Any

from playground.discord.errors import invalid_form

MAX_CONTENT = 2000
MAX_THREAD_NAME = 100
MAX_EMBEDS = 10
MAX_EMBED_TOTAL = 6000
MAX_EMBED_FIELDS = 25
MAX_NONCE = 25
_EMBED_LIMITS = {"title": 256, "description": 4096}
_URL_SCHEMES = ("http://", "https://", "attachment://")

Errors = dict[str, Any]


def too_long(limit: int) -> Errors:
    """Describe a text that is too long."""
    return one_error("BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")


def bad_length(low: int, high: int) -> Errors:
    """Describe a list or text whose length is out of range."""
    return one_error("BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")


def required() -> Errors:
    """Describe a missing field."""
    return one_error("BASE_TYPE_REQUIRED", "This field is required")


def one_error(code: str, message: str) -> Errors:
    """Describe one error of one field."""
    return {"_errors": [{"code": code, "message": message}]}


def check_content(body: dict[str, Any]) -> Errors:
    """Find what is wrong with a message's text and nonce."""
    errors: Errors = {}
    content = body.get("content")
    if content is not None and not isinstance(content, str):
        errors["content"] = one_error("STRING_TYPE_CONVERT", "Could not interpret value as string.")
    elif content is not None and len(content) > MAX_CONTENT:
        errors["content"] = too_long(MAX_CONTENT)
    if len(str(body.get("nonce") or "")) > MAX_NONCE:
        errors["nonce"] = too_long(MAX_NONCE)
    return errors


def check_embeds(embeds: list[dict[str, Any]]) -> Errors:
    """Find what is wrong with a message's embeds."""
    if len(embeds) > MAX_EMBEDS:
        return bad_length(0, MAX_EMBEDS)
    errors = {str(i): found for i, embed in enumerate(embeds) if (found := _check_embed(embed))}
    if not errors and sum(map(_embed_size, embeds)) > MAX_EMBED_TOTAL:
        return one_error("MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_EMBED_TOTAL}")
    return errors


def _check_embed(embed: dict[str, Any]) -> Errors:
    errors: Errors = {}
    for name, limit in _EMBED_LIMITS.items():
        if len(embed.get(name) or "") > limit:
            errors[name] = too_long(limit)
    if found := _check_part(embed.get("footer"), "text", 2048):
        errors["footer"] = found
    if found := _check_part(embed.get("author"), "name", 256):
        errors["author"] = found
    if found := _check_fields(embed.get("fields") or []):
        errors["fields"] = found
    for name in ("image", "thumbnail"):
        url = (embed.get(name) or {}).get("url")
        if url and not url.startswith(_URL_SCHEMES):
            errors[name] = {"url": _bad_url(url)}
    if embed.get("url") and not embed["url"].startswith(_URL_SCHEMES):
        errors["url"] = _bad_url(embed["url"])
    return errors


def _bad_url(url: str) -> Errors:
    scheme = url.partition(":")[0]
    return one_error("URL_TYPE_INVALID_SCHEME", f"Scheme {scheme!r} is not one of ('http', 'https').")


def _check_part(part: dict[str, Any] | None, name: str, limit: int) -> Errors:
    return {name: too_long(limit)} if part and len(part.get(name) or "") > limit else {}


def _check_fields(fields: list[dict[str, Any]]) -> Errors:
    if len(fields) > MAX_EMBED_FIELDS:
        return bad_length(0, MAX_EMBED_FIELDS)
    return {str(i): found for i, field in enumerate(fields) if (found := _check_field(field))}


def _check_field(field: dict[str, Any]) -> Errors:
    errors: Errors = {}
    for name, limit in (("name", 256), ("value", 1024)):
        text = field.get(name)
        if not text:
            errors[name] = required()
        elif len(text) > limit:
            errors[name] = too_long(limit)
    return errors


def _embed_size(embed: dict[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for field in embed.get("fields") or []:
        texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if text)


def check_allowed_mentions(allowed: dict[str, Any] | None) -> Errors:
    """Find contradictions in what may be mentioned."""
    kinds = (allowed or {}).get("parse") or []
    for kind in ("users", "roles"):
        listed = (allowed or {}).get(kind) or []
        if kind in kinds and listed:
            text = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            return one_error("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)
        if len(listed) > 100:
            return {kind: bad_length(0, 100)}
    return {}


def check_message(body: dict[str, Any]) -> None:
    """Refuse a message whose text, embeds or mentions break a rule."""
    errors = check_content(body)
    if found := check_embeds(body.get("embeds") or []):
        errors["embeds"] = found
    if found := check_allowed_mentions(body.get("allowed_mentions")):
        errors["allowed_mentions"] = found
    if errors:
        raise invalid_form(errors)
