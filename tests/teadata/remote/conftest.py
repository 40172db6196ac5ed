"""A local Zenodo, and a folder for what is fetched."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teadata.remote import Patience

from .server import Zenodo

RECORD, CONCEPT = "101", "100"


@pytest.fixture(scope="session")
def contents() -> dict[str, bytes]:
    """Files of several sizes: none of their bytes can be guessed from the others."""
    rng = random.Random(1)
    return {
        "large file.npz": rng.randbytes(400_000),
        "small.npz": rng.randbytes(20_000),
        "empty.txt": b"",
    }


@pytest.fixture(scope="module")
def serving(contents: dict[str, bytes]) -> Iterator[Zenodo]:
    with Zenodo() as server:
        server.add(RECORD, contents, concept=CONCEPT, version="2")
        yield server


@pytest.fixture
def zenodo(serving: Zenodo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zenodo:
    """The server, as the package and its commands find it; nothing fetched yet."""
    serving.reset()
    for name in ("TEADATA_OFFLINE", "TEADATA_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEADATA_ZENODO_URL", serving.url)
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))
    return serving


@pytest.fixture
def hasty() -> Patience:
    """Waits that a test can afford."""
    return Patience(attempts=4, first=0.002, longest=1.0, connect=5, read=0.4)


CacheCheck = Callable[..., None]


@pytest.fixture
def assert_cache_right(zenodo: Zenodo) -> CacheCheck:
    """Check the promise: what is in place is whole, right, and locked as it is."""

    def check(home: Path, identifier: str = RECORD) -> None:
        folder = home / "records" / identifier
        lock = folder / "lock.json"
        entries = json.loads(lock.read_text()) if lock.exists() else {}
        for path in (folder / "files").glob("*"):
            assert path.read_bytes() == zenodo.contents[identifier, path.name]
            assert path.name in entries
        for name, entry in entries.items():
            data = zenodo.contents[identifier, name]
            assert entry["bytes"] == len(data)
            assert entry["sha256"] == hashlib.sha256(data).hexdigest()
            assert entry["checksum"] == f"md5:{hashlib.md5(data).hexdigest()}"

    return check


class Log:
    """Keeps what progress is told."""

    def __init__(self) -> None:
        self.starts: list[tuple[str, int, int]] = []
        self.bytes = 0
        self.messages: list[str] = []

    def start(self, name: str, total: int, done: int) -> None:
        self.starts.append((name, total, done))

    def advance(self, count: int) -> None:
        self.bytes += count

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def log() -> Log:
    return Log()
