"""Reading messages and edits out of request bodies, with Discord's checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _components as components
from playground.discord import _posting as posting
from playground.discord import _validation as validation
from playground.discord._call import Upload
from playground.discord._flags import MessageFlag
from playground.discord._mentions import AllowedMentions
from playground.discord._posting import Draft
from playground.discord.errors import ApiError, api_error, field_error

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._message import Attachment, Message

SENDABLE_FLAGS = (
    MessageFlag.SUPPRESS_EMBEDS
    | MessageFlag.SUPPRESS_NOTIFICATIONS
    | MessageFlag.IS_VOICE_MESSAGE
    | MessageFlag.IS_COMPONENTS_V2
)
EDITABLE_FLAGS = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.IS_COMPONENTS_V2
_LEGACY_FIELDS = ("content", "embeds", "poll", "sticker_ids")


def read(
    channel: Channel,
    body: dict[str, Any],
    files: dict[int, Upload],
    *,
    flags: int = SENDABLE_FLAGS,
    may_be_empty: bool = False,
) -> Draft:
    """Read a new message; `flags` are those that may be set here."""
    body = _clean(body)
    wanted = int(body.get("flags") or 0) & int(flags)
    validation.check_message(body)
    _check_components(body, wanted)
    draft = Draft(
        content=(body.get("content") or "").strip(),
        embeds=[{"type": "rich"} | embed for embed in body.get("embeds") or []],
        components=components.number(body.get("components") or []),
        flags=wanted,
        tts=bool(body.get("tts")),
        nonce=body.get("nonce"),
        allowed=AllowedMentions.parse(body.get("allowed_mentions")),
    )
    draft.attachments = _attach(channel, body, files, ephemeral=bool(wanted & MessageFlag.EPHEMERAL))
    _resolve_attachment_urls([draft.embeds, draft.components], draft.attachments)
    if not may_be_empty and not _has_substance(draft.content, draft.embeds, draft.components, draft.attachments, body):
        raise api_error(50006)
    return draft


def edit(message: Message, body: dict[str, Any], files: dict[int, Upload]) -> None:
    """Change what a body names of a message and tell everybody; the rest stays."""
    body = _clean(body)
    validation.check_message(body)
    was_loading = message.loading
    flags = _edited_flags(message, body)
    _check_components(body, flags)
    content = (body["content"] or "").strip() if "content" in body else message.content
    embeds = [{"type": "rich"} | e for e in body["embeds"] or []] if "embeds" in body else message.embeds
    if flags & MessageFlag.IS_COMPONENTS_V2 and (content or embeds):
        raise _legacy_field("content" if content else "embeds")
    parts = components.number(body["components"] or []) if "components" in body else message.components
    attachments = _edited_attachments(message, body, files)
    if not _has_substance(content, embeds, parts, attachments, {}):
        raise api_error(50006)
    _resolve_attachment_urls([embeds, parts], attachments)
    if flags & MessageFlag.SUPPRESS_EMBEDS:
        embeds = []
    message.content, message.embeds, message.components = content, embeds, parts
    message.attachments, message.flags = attachments, flags
    if "content" in body or "allowed_mentions" in body:
        posting.find_mentions(message, AllowedMentions.parse(body.get("allowed_mentions")))
    posting.edited(message, was_loading=was_loading)


def _clean(body: dict[str, Any]) -> dict[str, Any]:
    return body | {key: components.without_nulls(body[key]) for key in ("components", "embeds") if body.get(key)}


def _edited_flags(message: Message, body: dict[str, Any]) -> int:
    """An edit of the text that says nothing about flags switches previews on again."""
    kept = message.flags & ~int(EDITABLE_FLAGS | MessageFlag.LOADING)
    given = body.get("flags")
    if given is not None:
        return kept | (int(given) & int(EDITABLE_FLAGS)) | (message.flags & MessageFlag.IS_COMPONENTS_V2)
    lost = MessageFlag.SUPPRESS_EMBEDS if "content" in body else 0
    return kept | (message.flags & int(EDITABLE_FLAGS) & ~int(lost))


def _check_components(body: dict[str, Any], flags: int) -> None:
    is_v2 = bool(flags & MessageFlag.IS_COMPONENTS_V2)
    if is_v2:
        for name in _LEGACY_FIELDS:
            if body.get(name):
                raise _legacy_field(name)
    if body.get("components") or (is_v2 and "components" in body):
        components.check(body["components"], is_v2=is_v2)


def _legacy_field(name: str) -> ApiError:
    text = f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
    return field_error(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)


def _has_substance(content: str, embeds: Any, parts: Any, attachments: Any, body: dict[str, Any]) -> bool:
    return bool(content or embeds or parts or attachments or body.get("sticker_ids") or body.get("poll"))


def _attach(
    channel: Channel, body: dict[str, Any], files: dict[int, Upload], *, ephemeral: bool = False
) -> list[Attachment]:
    """Keep the files; the attachments field may rename and describe them."""
    described = {int(a["id"]): a for a in body.get("attachments") or [] if int(a.get("id", -1)) in files}
    limit = channel.state.settings.upload_limit_bytes
    made = []
    for index, upload in sorted(files.items()):
        if len(upload.data) > limit:
            raise api_error(40005)
        about = described.get(index, {})
        named = Upload(about.get("filename") or upload.filename, upload.data)
        made.append(channel.state.cdn.attach(channel, named, description=about.get("description"), ephemeral=ephemeral))
    if len(made) > 10:
        raise field_error("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    return made


def _edited_attachments(message: Message, body: dict[str, Any], files: dict[int, Upload]) -> list[Attachment]:
    """The attachments field lists which old files stay; without it all do."""
    kept = message.attachments
    if "attachments" in body:
        ids = {int(a["id"]) for a in body["attachments"] or [] if "id" in a}
        kept = [a for a in kept if a.id in ids]
    return kept + _attach(message.channel, body, files, ephemeral=message.ephemeral)


def _resolve_attachment_urls(value: Any, attachments: list[Attachment]) -> None:
    """Put real addresses in place of attachment://name."""
    if not attachments:
        return
    urls = {f"attachment://{a.filename}": a.url for a in attachments}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        if isinstance(inner, dict | list):
            _resolve_attachment_urls(inner, attachments)
        elif isinstance(inner, str) and inner in urls:
            value[key] = urls[inner]
