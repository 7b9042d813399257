"""The models that the local Infermatic offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EMBEDDING_MODEL = "intfloat-multilingual-e5-base"
"""The one embedding model that the service documents."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What one model can do."""

    id: str
    context_window: int = 32_768
    system_role: bool = True  # False: its chat template fails on a system message and on roles that do not alternate
    reasoning: Literal["none", "field", "inline"] = "none"  # field: reasoning_content; inline: <think> in the text
    pictures: int = 0  # how many a request may hold
    kind: Literal["chat", "embedding"] = "chat"
    tokenizer_type: str = "openai_tokenizer"


DEFAULT_MODELS: tuple[ModelSpec, ...] = (
    ModelSpec("Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic"),
    ModelSpec("Sao10K-72B-Qwen2.5-Kunou-v1-FP8-Dynamic"),
    ModelSpec("L3.1-70B-Euryale-v2.2-FP8-Dynamic", tokenizer_type="huggingface_tokenizer"),
    ModelSpec("Midnight-Miqu-70B-v1.5", context_window=16_384, system_role=False),
    ModelSpec("TheDrummer-Rocinante-12B-v1.1", system_role=False),
    ModelSpec("TheDrummer-Anubis-70B-v1-FP8-Dynamic", system_role=False),
    ModelSpec("TheDrummer-UnslopNemo-12B-v4.1"),
    ModelSpec("Doctor-Shotgun-L3.3-70B-Magnum-v4-SE"),
    ModelSpec("Qwen-Qwen3.6-35B-A3B", context_window=65_536, reasoning="field", pictures=4),
    ModelSpec("DeepSeek-R1-Distill-Llama-70B", reasoning="inline"),
    ModelSpec(EMBEDDING_MODEL, context_window=512, kind="embedding"),
)
