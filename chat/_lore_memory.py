"""What lasts from one prompt to the next: entries that stay for a while, or rest.

Remembered is at which message an entry fired. Whether that lasts is told by how many messages ago it was, on the way
from the newest message to the first: what fired in a swipe or branch that was left does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from chat._lore_entries import Source

_LONG_AGO: Final = 1 << 30


class Memory:
    """When entries fired, seen from the newest message."""

    def __init__(self, remembered: Mapping[str, int], path: Sequence[int]) -> None:
        """``path`` has the ids of the newest messages, newest first; what is remembered fired on the way to them."""
        self._path = path
        ages = {message_id: age for age, message_id in enumerate(path)}
        self._remembered = dict(remembered)
        self._ages = {key: ages.get(message_id, _LONG_AGO) for key, message_id in remembered.items()}

    def has_fired(self, source: Source) -> bool:
        """Whether it fired for an earlier message."""
        return self._ages.get(source.key, 0) > 0

    def is_sticky(self, source: Source) -> bool:
        """Whether it stays, because it fired not long ago."""
        return 0 < self._ages.get(source.key, 0) < source.entry.sticky

    def is_cooling(self, source: Source) -> bool:
        """Whether it rests; that begins when it stops to stay."""
        age, entry = self._ages.get(source.key, 0), source.entry
        return age > 0 and entry.sticky <= age < entry.sticky + entry.cooldown

    def after(self, fired: Iterable[str], timed: Iterable[Source]) -> dict[str, int]:
        """What is to be remembered now: entries that began to stay or to rest do so from the newest message on."""
        now = self._path[0] if self._path else None
        fired_keys, kept = set(fired), {}
        for source in timed:
            lasts = self.is_sticky(source) or self.is_cooling(source)
            rules = source.entry.decorators
            lasts = lasts or ((rules.keeps or rules.once) and self.has_fired(source))
            if lasts:
                kept[source.key] = self._remembered[source.key]
            elif source.key in fired_keys and now is not None:
                kept[source.key] = now
        return kept
