"""Keeps in memory what was read last, as long as nothing has changed it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """So many values by key, those used last.

    Whoever reads takes `changes` first and gives it to `keep`: what a change may have overtaken is not kept.
    """

    def __init__(self, most: int) -> None:
        self.changes = 0
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def known(self, keys: Iterable[K]) -> dict[K, V]:
        """Those of these keys that are in memory."""
        found = {key: self._kept[key] for key in keys if key in self._kept}
        for key in found:
            self._kept.move_to_end(key)
        return found

    def keep(self, values: Mapping[K, V], since: int | None = None) -> None:
        """Keep what was read, unless something changed `since`."""
        if since not in {None, self.changes}:
            return
        for key, value in values.items():
            self._kept[key] = value
            self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, key: K) -> None:
        """Something is to be read anew when it is asked for."""
        self.changes += 1
        self._kept.pop(key, None)

    def forget_where(self, wanted: Callable[[K], bool]) -> None:
        """The same for all keys of a kind."""
        self.changes += 1
        for key in [key for key in self._kept if wanted(key)]:
            del self._kept[key]

    def forget_all(self) -> None:
        """The same for everything."""
        self.changes += 1
        self._kept.clear()
