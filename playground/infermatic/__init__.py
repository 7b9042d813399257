"""A local Infermatic on loopback: the gateway's wire as it was recorded, and a text generator in place of the models.

async with LocalInfermatic(tokens_per_second=40) as api:
    api.url                                  # base address, without /v1
    api.add_key("sk-mine", requests_per_minute=12, parallel_requests=1)
    api.replies.add("exactly this")          # otherwise a text that says what was sent
    api.faults.add("stall", after_tokens=5)  # see FAULT_KINDS
    api.requests                             # what arrived
"""

from ._errors import GatewayVersion, key_hash
from ._faults import FAULT_KINDS, Fault, FaultKind, Faults
from ._keys import KeyState
from ._log import ApiRequest
from ._models import DEFAULT_MODELS, EMBEDDING_MODEL, ModelSpec
from ._replies import Replies, Reply
from ._server import DEFAULT_KEY, LocalInfermatic
from ._tokenizer import count_messages, count_tokens, split_tokens

__all__ = [
    "DEFAULT_KEY",
    "DEFAULT_MODELS",
    "EMBEDDING_MODEL",
    "FAULT_KINDS",
    "ApiRequest",
    "Fault",
    "FaultKind",
    "Faults",
    "GatewayVersion",
    "KeyState",
    "LocalInfermatic",
    "ModelSpec",
    "Replies",
    "Reply",
    "count_messages",
    "count_tokens",
    "key_hash",
    "split_tokens",
]
