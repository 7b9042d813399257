"""What can go wrong here.

```
ApiError            an answer with Discord's status, code and error shape, raised inside a REST handler
PersonError         a person cannot do this; the text is what the client would tell them
  NotAllowedError       permissions, slow mode, time-out, somebody else's message
  NotVisibleError       the person cannot see this channel or message
  UnknownCommandError   no such command here for this person
  InvalidOptionError    an option, field or selection is missing or out of range
  UnknownComponentError no such button, menu or modal
  DisabledComponentError  it is there, but greyed out
  NotAnsweredError      the bot did not answer in time
```
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An error answer of the REST API."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        errors: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.extra = extra

    def payload(self) -> dict[str, Any]:
        """Give the body of the answer."""
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body | (self.extra or {})


class PersonError(Exception):
    """A person cannot do this; the text says why in words."""


class NotAllowedError(PersonError):
    """Permissions, slow mode or a time-out forbid it."""


class NotVisibleError(PersonError):
    """The person cannot see this channel or message."""


class UnknownCommandError(PersonError):
    """No such command is offered to this person in this place."""


class InvalidOptionError(PersonError):
    """An option, a field or a selection is missing or out of range."""


class UnknownComponentError(PersonError):
    """No such button, menu or modal is there."""


class DisabledComponentError(PersonError):
    """The button or menu is greyed out."""


class NotAnsweredError(PersonError):
    """The bot did not answer in time."""


_MESSAGES: dict[int, tuple[int, str]] = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10014: (400, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10026: (404, "Unknown Ban"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    10065: (404, "Unknown Voice State"),
    10066: (404, "Unknown application command permissions"),
    20028: (429, "The write action you are performing on the channel has hit the write rate limit."),
    30003: (400, "Maximum number of pins reached for the channel (250)"),
    30007: (400, "Maximum number of webhooks reached (15)"),
    30010: (400, "Maximum number of reactions reached (20)"),
    30032: (400, "Maximum number of application commands reached (100)"),
    30046: (429, "Maximum number of edits to messages older than 1 hour reached. Try again later."),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40067: (400, "A tag is required to create a forum post in this channel"),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50016: (400, "Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages."),
    50019: (403, "A message can only be pinned in the channel it was sent in"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50034: (400, "A message provided was too old to bulk delete"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (400, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
    160006: (400, "Maximum number of active threads reached"),
    200000: (400, "Message was blocked by automatic moderation"),
    200001: (400, "Title was blocked by automatic moderation"),
    220001: (400, "Webhooks posted to forum channels must have a thread_name or thread_id"),
    220002: (400, "Webhooks posted to forum channels cannot have both a thread_name and thread_id"),
    220003: (400, "Webhooks can only create threads in forum channels"),
}


def api_error(code: int, **extra: Any) -> ApiError:
    """Make the error that Discord answers with this code."""
    status, message = _MESSAGES[code]
    return ApiError(status, code, message, extra=extra or None)


def invalid_form(errors: dict[str, Any]) -> ApiError:
    """Make a 50035 whose nested errors name the offending fields."""
    return ApiError(400, 50035, "Invalid Form Body", errors=errors)


def field_error(path: str, code: str, message: str) -> ApiError:
    """Make a 50035 about one field, named by its path with dots."""
    errors: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for key in reversed(path.split(".")):
        errors = {key: errors}
    return invalid_form(errors)
