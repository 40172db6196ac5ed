"""A server of S3 in this process, moto's, which counts what is asked of it and can fail."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BUCKET = "tea"


class S3Server:
    """A server with one bucket; use it with ``with``, which sets the environment that finds it.

    Attributes
    ----------
    gets : Counter of str
        How often each object was fetched, since :meth:`reset`.
    sent : int
        Bytes of objects that were sent.
    cut : Counter of str
        How often each object is still to be sent only to its half.
    at_get : callable, optional
        Called once, with the name of the object, before the next one is sent.
    """

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *said: Any) -> None:
                pass

        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet
        )
        self.address = f"http://127.0.0.1:{self._server.port}"
        self.cut: Counter[str] = Counter()
        self.at_get: Callable[[str], None] | None = None
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Count anew."""
        self.gets, self.sent = Counter[str](), 0

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        name = environ["PATH_INFO"].removeprefix(f"/{BUCKET}/")
        is_object = environ["REQUEST_METHOD"] == "GET" and not environ["PATH_INFO"].endswith(BUCKET)
        if is_object and self.at_get is not None:
            call, self.at_get = self.at_get, None
            call(name)
        parts = b"".join(self._app(environ, start))
        if not is_object:
            yield parts
            return
        with self._lock:
            self.gets[name] += 1
            self.sent += len(parts)
            half = self.cut[name] > 0
            self.cut[name] -= half
        yield parts[: len(parts) // 2] if half else parts

    def environment(self) -> dict[str, str]:
        """What tells a process where this server is."""
        return self.environment_of(self.address)

    @staticmethod
    def environment_of(address: str) -> dict[str, str]:
        """What tells a process where a server is."""
        return {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "very-secret-key",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put(self, path: Path, name: str | None = None) -> str:
        """Upload a file or folder; its address."""
        name = name or path.name
        fs = self.files
        if fs.exists(f"{BUCKET}/{name}"):
            fs.rm(f"{BUCKET}/{name}", recursive=True)
        fs.put(str(path), f"{BUCKET}/{name}", recursive=True)
        fs.invalidate_cache()
        return f"s3://{BUCKET}/{name}"

    @property
    def files(self) -> Any:
        """The bucket's files, as fsspec has them, with another connection than what is tested."""
        import fsspec

        made = self.environment()
        return fsspec.filesystem(
            "s3",
            endpoint_url=self.address,
            key=made["AWS_ACCESS_KEY_ID"],
            secret=made["AWS_SECRET_ACCESS_KEY"],
        )

    def __enter__(self) -> S3Server:
        self._before = {name: os.environ.get(name) for name in self.environment()}
        os.environ.update(self.environment())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        if not self.files.exists(BUCKET):
            self.files.mkdir(BUCKET)
        return self

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


if __name__ == "__main__":  # serves until its process is ended
    with S3Server() as running:
        print(running.address, flush=True)
        threading.Event().wait()
