"""A folder on an object store, as zarr reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import zarr
from zarr.abc.store import Store

from teadata.objects.folder import RemoteFolder


class ObjectsOfFolder(Store):
    """A store that reads the objects of a folder, each in a thread, and writes nothing.

    Parameters
    ----------
    folder
        The folder.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, folder: RemoteFolder) -> None:
        super().__init__(read_only=True)
        self._folder = folder

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectsOfFolder) and other._folder is self._folder

    __hash__ = None  # type: ignore[assignment]

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        """An object, or some of its bytes; None if there is none of this name."""
        if key not in self._folder:
            return None
        content = await asyncio.to_thread(self._folder.read, key)
        whole = zarr.core.buffer.cpu.Buffer.from_bytes(content)
        return await zarr.storage.MemoryStore({key: whole}).get(key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: Any, key_ranges: Iterable[tuple[str, Any]]
    ) -> list[Any]:
        """Some bytes of each of several objects."""
        return [await self.get(key, prototype, part) for key, part in key_ranges]

    async def exists(self, key: str) -> bool:
        """Whether there is an object of this name."""
        return key in self._folder

    async def set(self, key: str, value: Any) -> None:
        """Refuse to write."""
        self._check_writable()

    async def delete(self, key: str) -> None:
        """Refuse to delete."""
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        """All names."""
        for name in self._folder.sizes:
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """The names that begin so."""
        for name in self._folder.sizes:
            if name.startswith(prefix):
                yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """The names directly in a folder."""
        start = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        inside = (name for name in self._folder.sizes if name.startswith(start))
        for name in dict.fromkeys(one.removeprefix(start).partition("/")[0] for one in inside):
            yield name
