"""The names in front of what several people say."""

from __future__ import annotations

from typing import Final

import regex

LONGEST_NAME: Final = 32
_UNNAMED: Final = "User"

# Spaces and line breaks, control and formatting characters, and everything that looks like the colon behind a name:
# a name must not be able to end itself and go on as somebody else. The joiner inside emoji stays.
_UNWANTED: Final = regex.compile(r"(?:(?!\u200d)[\p{C}\p{Z}\s:：︓﹕∶꞉ː˸׃])+")
_CLUSTER: Final = regex.compile(r"\X")


def clean_name(name: str) -> str:
    """A display name as one short line without colons."""
    kept = ""
    for cluster in _CLUSTER.findall(_UNWANTED.sub(" ", name).strip(" \u200d")):
        if len(kept) + len(cluster) > LONGEST_NAME:
            break
        kept += cluster
    return kept.strip() or _UNNAMED


def named(name: str, content: str) -> str:
    """A turn with its speaker in front, unless the speaker wrote that already."""
    return content if content.startswith(f"{name}:") else f"{name}: {content}"
