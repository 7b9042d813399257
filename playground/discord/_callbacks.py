"""How the bot answers interactions: the first answer, and what may follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _drafts as drafts
from playground.discord import _message_payloads as message_payloads
from playground.discord import _modals as modals
from playground.discord import _posting as posting
from playground.discord import events
from playground.discord._flags import CallbackType, InteractionType, MessageFlag, MessageType
from playground.discord._interactions import Choice, Interaction
from playground.discord._message import Message, Reference
from playground.discord._posting import Draft, Origin
from playground.discord._validation import bad_length
from playground.discord.errors import ApiError, api_error, field_error, invalid_form

if TYPE_CHECKING:
    from playground.discord._call import Upload

_ANSWER_FLAGS = drafts.SENDABLE_FLAGS | MessageFlag.EPHEMERAL
_MAX_CHOICES = 25
_MESSAGES = {CallbackType.MESSAGE, CallbackType.DEFERRED_MESSAGE}
_UPDATES = {CallbackType.DEFERRED_UPDATE, CallbackType.UPDATE_MESSAGE}
_ALLOWED = {
    InteractionType.APPLICATION_COMMAND: _MESSAGES | {CallbackType.MODAL},
    InteractionType.MESSAGE_COMPONENT: _MESSAGES | _UPDATES | {CallbackType.MODAL},
    InteractionType.AUTOCOMPLETE: {CallbackType.AUTOCOMPLETE_RESULT},
    InteractionType.MODAL_SUBMIT: _MESSAGES | _UPDATES,
}


def answer(interaction: Interaction, body: dict[str, Any], files: dict[int, Upload]) -> None:
    """Take the first answer to an interaction."""
    if interaction.acknowledged:
        raise api_error(40060)
    if interaction.failed or interaction.expired:
        raise api_error(10062)
    if interaction.channel.deleted:
        raise api_error(10003)
    kind = _read_type(interaction, body)
    try:
        _act(interaction, kind, body.get("data") or {}, files)
    except ApiError as error:
        if error.errors and "data" not in error.errors:
            error.errors = {"data": error.errors}
        raise
    interaction.state.interactions.changed(interaction)


def _act(interaction: Interaction, kind: CallbackType, data: dict[str, Any], files: dict[int, Upload]) -> None:
    state = interaction.state
    if kind is CallbackType.MESSAGE:
        draft = drafts.read(interaction.channel, data, files, flags=_ANSWER_FLAGS)
        state.interactions.acknowledge(interaction)
        interaction.original = _post(interaction, draft, _first_reference(interaction))
    elif kind is CallbackType.DEFERRED_MESSAGE:
        state.interactions.acknowledge(interaction)
        interaction.deferred = True
        flags = (int(data.get("flags") or 0) & MessageFlag.EPHEMERAL) | MessageFlag.LOADING
        interaction.original = _post(interaction, Draft(flags=int(flags)), _first_reference(interaction))
    elif kind is CallbackType.UPDATE_MESSAGE:
        _update_message(interaction, data, files)
    elif kind is CallbackType.DEFERRED_UPDATE:
        state.interactions.acknowledge(interaction)
        interaction.original, interaction.updated = interaction.message, True
    elif kind is CallbackType.AUTOCOMPLETE_RESULT:
        interaction.choices = _read_choices(data)
        state.interactions.acknowledge(interaction)
    else:
        interaction.modal = modals.read(data)
        state.interactions.acknowledge(interaction)
        state.publish(events.ModalOpened(interaction, interaction.modal))


def _read_type(interaction: Interaction, body: dict[str, Any]) -> CallbackType:
    allowed = _ALLOWED[interaction.type]
    if interaction.message is None:
        allowed = allowed - _UPDATES
    kind = body.get("type")
    if kind not in allowed:
        choices = ", ".join(str(int(a)) for a in sorted(allowed))
        raise field_error("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{choices}}}.")
    return CallbackType(kind)


def _update_message(interaction: Interaction, data: dict[str, Any], files: dict[int, Upload]) -> None:
    if interaction.message is None or interaction.message.deleted:
        raise api_error(10008)
    drafts.edit(interaction.message, data, files)
    interaction.state.interactions.acknowledge(interaction)
    interaction.original, interaction.updated = interaction.message, True


def _read_choices(data: dict[str, Any]) -> list[Choice]:
    choices = data.get("choices") or []
    if len(choices) > _MAX_CHOICES:
        raise invalid_form({"choices": bad_length(0, _MAX_CHOICES)})
    for i, choice in enumerate(choices):
        for name in ("name", "value"):
            text = choice.get(name)
            if isinstance(text, str) and not 1 <= len(text) <= 100:
                raise invalid_form({"choices": {str(i): {name: bad_length(1, 100)}}})
    return [Choice(c["name"], c["value"]) for c in choices]


def _first_reference(interaction: Interaction) -> Reference | None:
    """The answer to a button stands as a reply to the message with the button."""
    if interaction.type is InteractionType.MESSAGE_COMPONENT and interaction.message is not None:
        return _reference(interaction.message)
    return None


def _reference(message: Message) -> Reference:
    guild = message.channel.guild
    return Reference(message.channel.id, message.id, guild.id if guild else None)


def _post(interaction: Interaction, draft: Draft, reference: Reference | None) -> Message:
    state = interaction.state
    draft.reference = reference
    if reference is not None:
        kind = MessageType.REPLY
    elif interaction.type is InteractionType.APPLICATION_COMMAND:
        is_chat = interaction.data.get("type") == 1
        kind = MessageType.CHAT_INPUT_COMMAND if is_chat else MessageType.CONTEXT_MENU_COMMAND
    else:
        kind = MessageType.DEFAULT
    origin = Origin(
        kind,
        webhook_id=state.application.id,
        application_id=state.application.id,
        interaction_metadata=interaction.metadata(),
        ephemeral_for=interaction.user.id if draft.flags & MessageFlag.EPHEMERAL else None,
    )
    message = posting.post(interaction.channel, state.bot, draft, origin)
    state.interactions.show(interaction, message)
    return message


def follow_up(interaction: Interaction, body: dict[str, Any], files: dict[int, Upload]) -> Message:
    """Post a further message; the first one after a deferral takes the place of the thinking."""
    require_live(interaction)
    original = interaction.original
    if original is not None and original.loading and not original.deleted:
        edit(interaction, original, body, files)
        return original
    draft = drafts.read(interaction.channel, body, files, flags=_ANSWER_FLAGS)
    stands = original is not None and not original.deleted
    return _post(interaction, draft, _reference(original) if original and stands else None)


def edit(interaction: Interaction, message: Message, body: dict[str, Any], files: dict[int, Upload]) -> None:
    """Change a message of the answer."""
    require_live(interaction)
    drafts.edit(message, body, files)
    interaction.state.interactions.changed(interaction)


def require_live(interaction: Interaction) -> None:
    """Refuse a token that is too old, or whose interaction was not acknowledged yet."""
    if interaction.expired:
        raise api_error(50027)
    if not interaction.acknowledged:
        raise api_error(10015)
    if interaction.channel.deleted:
        raise api_error(10003)


def find_message(interaction: Interaction, text: str) -> Message:
    """Find @original or a message of the answer by its id."""
    require_live(interaction)
    message = interaction.original if text == "@original" else None
    if text.isdigit():
        known = [*interaction.messages, *([interaction.message] if interaction.message else [])]
        message = next((m for m in known if m.id == int(text)), None)
    if message is None or message.deleted:
        raise api_error(10008)
    return message


def callback_response(interaction: Interaction, kind: int) -> dict[str, Any]:
    """Describe what an answer made, for callers that asked for it."""
    about: dict[str, Any] = {"id": str(interaction.id), "type": int(interaction.type)}
    result: dict[str, Any] = {"interaction": about}
    message = interaction.original
    if message is not None:
        about["response_message_id"] = str(message.id)
        about["response_message_loading"] = message.loading
        about["response_message_ephemeral"] = message.ephemeral
        result["resource"] = {"type": kind, "message": message_payloads.message(message)}
    return result
