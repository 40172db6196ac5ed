"""SHA-256 of objects that were fetched, whichever process fetched them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Identity = tuple[str, str]
"""The address of an object, and what tells one state of it from another: its ETag."""


class Digests:
    """The SHA-256 of each object that was fetched; may be used by several threads.

    A worker hands over what it has learnt with the results of its work, so that nothing is
    fetched again for a checksum.
    """

    def __init__(self) -> None:
        self._known: dict[Identity, str] = {}
        self._new: dict[Identity, str] = {}
        self._lock = threading.Lock()

    def note(self, identity: Identity, content: bytes) -> None:
        """Keep the SHA-256 of an object that was fetched."""
        digest = hashlib.sha256(content).hexdigest()
        with self._lock:
            self._known[identity] = self._new[identity] = digest

    def get(self, identity: Identity) -> str | None:
        """The SHA-256 of an object; None if it was not fetched."""
        return self._known.get(identity)

    def news(self) -> Mapping[Identity, str]:
        """What was not handed over yet."""
        with self._lock:
            new, self._new = self._new, {}
        return new

    def learn(self, news: Mapping[Identity, str]) -> None:
        """Take over what another process has learnt."""
        with self._lock:
            self._known.update(news)


digests = Digests()
"""Those of this process."""


def with_news(work: Callable[[Item], Result], item: Item) -> tuple[Result, Mapping[Identity, str]]:
    """The result of work on an item, and the checksums that were learnt on the way."""
    return work(item), digests.news()
