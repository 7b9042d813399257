"""REST: answering interactions."""

from __future__ import annotations

from typing import Any

from playground.discord import _callbacks as callbacks
from playground.discord._call import Call
from playground.discord._router import routes
from playground.discord.errors import api_error


@routes.add("POST", "/interactions/{interaction_id}/{token}/callback", needs_token=False)
def answer_interaction(call: Call) -> Any:
    """Take the first answer to an interaction."""
    interaction = call.state.interactions.by_id.get(call.id("interaction_id"))
    if interaction is None or interaction.token != call.parameters["token"]:
        raise api_error(10062)
    body = call.form()
    callbacks.answer(interaction, body, call.files)
    return callbacks.callback_response(interaction, body["type"]) if call.flag("with_response") else None
