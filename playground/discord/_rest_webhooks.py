"""REST: webhooks, and the follow-ups of interactions, which use the same routes with the interaction's token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _callbacks as callbacks
from playground.discord import _components as components
from playground.discord import _drafts as drafts
from playground.discord import _message_payloads as message_payloads
from playground.discord import _payloads as payloads
from playground.discord import _posting as posting
from playground.discord import _threads as threads
from playground.discord import _webhooks as webhooks
from playground.discord._call import Call, snowflake
from playground.discord._flags import ChannelType, MessageFlag, Permission
from playground.discord._posting import Origin
from playground.discord._rest_messages import count_late_edit, require_open
from playground.discord._router import routes
from playground.discord._validation import bad_length
from playground.discord._webhooks import Webhook
from playground.discord.errors import api_error, invalid_form

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._interactions import Interaction
    from playground.discord._message import Message

_WEBHOOK = "/webhooks/{webhook_id}"
_WITH_TOKEN = _WEBHOOK + "/{token}"
_MESSAGE = _WITH_TOKEN + "/messages/{message_id}"


# Managing


@routes.add("POST", "/channels/{channel_id}/webhooks")
def create_webhook(call: Call) -> Any:
    """Make a webhook."""
    channel = call.channel_with(Permission.MANAGE_WEBHOOKS)
    body = call.form()
    name = webhooks.check_name(body.get("name"))
    return payloads.webhook(webhooks.create(channel, name, call.bot, avatar=body.get("avatar")))


@routes.add("GET", "/channels/{channel_id}/webhooks")
def list_channel_webhooks(call: Call) -> Any:
    """List a channel's webhooks."""
    channel = call.channel_with(Permission.MANAGE_WEBHOOKS)
    return [_describe(call, w) for w in call.state.webhooks.values() if w.channel is channel]


@routes.add("GET", "/guilds/{guild_id}/webhooks")
def list_guild_webhooks(call: Call) -> Any:
    """List a guild's webhooks."""
    guild = call.guild_with(Permission.MANAGE_WEBHOOKS)
    return [_describe(call, w) for w in call.state.webhooks.values() if w.channel.guild is guild]


def _describe(call: Call, webhook: Webhook) -> dict[str, Any]:
    """The token of another application's webhook stays secret."""
    foreign = webhook.application_id not in {None, call.state.application.id}
    return payloads.webhook(webhook, with_token=not foreign)


def _find(call: Call) -> Webhook:
    """Find a webhook by its id alone, which takes the permission to manage it."""
    webhook = call.state.webhooks.get(call.id("webhook_id"))
    if webhook is None:
        raise api_error(10015)
    call.require(webhook.channel, Permission.MANAGE_WEBHOOKS)
    return webhook


def _find_with_token(call: Call) -> Webhook:
    webhook = call.state.webhooks.get(call.id("webhook_id"))
    if webhook is None:
        raise api_error(10015)
    if webhook.token != call.parameters["token"]:
        raise api_error(50027)
    return webhook


@routes.add("GET", _WEBHOOK)
def get_webhook(call: Call) -> Any:
    """Describe a webhook."""
    return _describe(call, _find(call))


@routes.add("GET", _WITH_TOKEN, needs_token=False)
def get_webhook_with_token(call: Call) -> Any:
    """Describe a webhook to whoever knows its token, without who made it."""
    return payloads.webhook(_find_with_token(call), with_creator=False)


@routes.add("PATCH", _WEBHOOK)
def edit_webhook(call: Call) -> Any:
    """Rename a webhook, change its avatar or move it to another channel."""
    webhook = _find(call)
    body = call.form()
    return payloads.webhook(_edit(webhook, body, _read_target(call, webhook, body.get("channel_id"))))


def _read_target(call: Call, webhook: Webhook, channel_id: object) -> Channel | None:
    """Find where a webhook shall move to."""
    if not channel_id:
        return None
    target = call.state.channels.get(snowflake(channel_id, "channel_id"))
    if target is None or target.guild is not webhook.channel.guild:
        raise api_error(10003)
    call.require(target, Permission.MANAGE_WEBHOOKS)
    if target is not webhook.channel:
        webhooks.check_room(target)
    return target


@routes.add("PATCH", _WITH_TOKEN, needs_token=False)
def edit_webhook_with_token(call: Call) -> Any:
    """Rename a webhook or change its avatar."""
    return payloads.webhook(_edit(_find_with_token(call), call.form()), with_creator=False)


def _edit(webhook: Webhook, body: dict[str, Any], channel: Channel | None = None) -> Webhook:
    """Change all that a body names, or nothing."""
    name = webhook.name if body.get("name") is None else webhooks.check_name(body["name"])
    if "avatar" in body:
        cdn = webhook.channel.state.cdn
        webhook.avatar = cdn.keep_avatar(webhook.id, body["avatar"]) if body["avatar"] else None
    webhook.edit(name=name, channel=channel)
    return webhook


@routes.add("DELETE", _WEBHOOK)
def delete_webhook(call: Call) -> None:
    """Delete a webhook."""
    _find(call).delete()


@routes.add("DELETE", _WITH_TOKEN, needs_token=False)
def delete_webhook_with_token(call: Call) -> None:
    """Delete a webhook, knowing its token."""
    _find_with_token(call).delete()


# Posting


@routes.add("POST", _WITH_TOKEN, needs_token=False)
def execute(call: Call) -> Any:
    """Post through a webhook, or follow up on an interaction."""
    interaction = _interaction(call)
    if interaction is not None:
        return message_payloads.message(callbacks.follow_up(interaction, call.form(), call.files))
    webhook = _find_with_token(call)
    body = call.form()
    channel = _destination(call, webhook, body)
    draft = drafts.read(channel, body, call.files)
    draft.nonce = None  # webhooks have none
    if webhook.application_id is None and components.interactive(draft.components):
        draft.components = []  # only webhooks of an application may carry buttons
    origin = Origin(webhook_id=webhook.id, application_id=webhook.application_id)
    if channel.thread and channel.parent and channel.parent.is_forum and not channel.messages:
        origin.message_id = channel.id
    message = posting.post(channel, webhook.face(_username(body), body.get("avatar_url")), draft, origin)
    return message_payloads.message(message) if call.flag("wait") else None


def _interaction(call: Call) -> Interaction | None:
    """Find the interaction whose token stands in the path of its application's webhook."""
    if call.id("webhook_id") != call.state.application.id:
        return None
    interaction = call.state.interactions.by_token.get(call.parameters["token"])
    if interaction is None:
        raise api_error(50027)
    return interaction


def _username(body: dict[str, Any]) -> str | None:
    name = body.get("username")
    if name is None:
        return None
    if not 1 <= len(name) <= 80:
        raise invalid_form({"username": bad_length(1, 80)})
    return webhooks.check_name(name, "username")


def _destination(call: Call, webhook: Webhook, body: dict[str, Any]) -> Channel:
    """Find the thread that is meant, or make the forum post."""
    channel, thread_name = webhook.channel, body.get("thread_name")
    thread_id = call.query.get("thread_id")
    if thread_id and thread_name:
        raise api_error(220002)
    if thread_id:
        return _thread(call, webhook, thread_id)
    if not channel.is_forum:
        if thread_name:
            raise api_error(220003)
        return channel
    if not thread_name:
        raise api_error(220001)
    drafts.read(channel, body, {})  # a refused message leaves no empty post behind
    tags = [snowflake(tag, "applied_tags") for tag in body.get("applied_tags") or []]
    return threads.create(channel, thread_name, webhook.face(), kind=ChannelType.PUBLIC_THREAD, tags=tags)


def _thread(call: Call, webhook: Webhook, thread_id: str) -> Channel:
    thread = call.state.channels.get(snowflake(thread_id, "thread_id"))
    if thread is None or thread.parent is not webhook.channel or thread.thread is None:
        raise api_error(10003)
    if thread.thread.archived and thread.thread.locked:
        raise api_error(50083)
    return thread


# Messages


def _webhook_message(call: Call) -> Message:
    """Find a message of a webhook; one in a thread is found only with thread_id."""
    webhook = _find_with_token(call)
    thread_id = call.query.get("thread_id")
    channel = _thread(call, webhook, thread_id) if thread_id else webhook.channel
    message = call.state.messages.get(call.id("message_id"))
    if message is None or message.channel is not channel or message.webhook_id != webhook.id:
        raise api_error(10008)
    return message


@routes.add("GET", _MESSAGE, needs_token=False)
def get_message(call: Call) -> Any:
    """Describe a message of a webhook or an interaction."""
    interaction = _interaction(call)
    if interaction is not None:
        return message_payloads.message(callbacks.find_message(interaction, call.parameters["message_id"]))
    return message_payloads.message(_webhook_message(call))


@routes.add("PATCH", _MESSAGE, needs_token=False)
def edit_message(call: Call) -> Any:
    """Edit a message of a webhook or an interaction."""
    interaction = _interaction(call)
    if interaction is not None:
        message = callbacks.find_message(interaction, call.parameters["message_id"])
        callbacks.edit(interaction, message, call.form(), call.files)
        return message_payloads.message(message)
    message = _webhook_message(call)
    require_open(message.channel)
    count_late_edit(call, message)
    body = call.form()
    if "flags" in body:  # previews cannot be switched off by an edit here
        body["flags"] = int(body["flags"] or 0) & ~MessageFlag.SUPPRESS_EMBEDS
    drafts.edit(message, body, call.files)
    return message_payloads.message(message)


@routes.add("DELETE", _MESSAGE, needs_token=False)
def delete_message(call: Call) -> None:
    """Delete a message of a webhook or an interaction."""
    interaction = _interaction(call)
    if interaction is not None:
        message = callbacks.find_message(interaction, call.parameters["message_id"])
        posting.delete(message)
        call.state.interactions.changed(interaction)
        return
    posting.delete(_webhook_message(call))
