"""A server that behaves like Zenodo's REST API, and misbehaves on demand.

It listens on 127.0.0.1 and serves ``/api/records/<id>`` and
``/api/records/<id>/files/<name>/content``.  Each request takes the next fault of the queue.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    ``kind`` is one of :data:`KINDS`; ``at`` is the byte of the body where it happens, and
    ``retry_after`` the header to send with a status, as seconds, or text as it is;
    ``headers`` are sent with whatever is answered.
    """

    kind: str
    at: int = 0
    retry_after: int | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "ok",
    "drop",  # the connection breaks
    "stall",  # silence, longer than any patience
    "short length",  # Content-Length says less than there is, and less is sent
    "long length",  # Content-Length says more than there is
    "too much",  # more bytes than the file has, without Content-Length
    "corrupt",  # a byte is another
    "wrong range",  # 206 from another byte on than asked for
    "false range",  # 206 that says it starts where asked, with bytes from elsewhere
    "ignore range",  # 200 and everything
    "refuse range",  # 416
    "429",
    "500",
    "503",
    "404",
    "403",
    "html",  # a page of a hotel's network in place of the answer
}


@dataclass
class Request:
    """A request as it came: path, Range header, when (s); bytes of the body sent so far."""

    path: str
    range: str | None
    time: float
    user_agent: str
    sent: int = 0


class Zenodo:
    """Records, faults to come, and requests that came.  A context manager that serves."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.contents: dict[tuple[str, str], bytes] = {}
        self.redirects: dict[str, str] = {}
        self.faults: deque[Fault] = deque()
        self.requests: list[Request] = []
        self.bytes_per_second: float | None = None
        self.closing = threading.Event()
        handler = type("BoundHandler", (_Handler,), {"zenodo": self})
        self._http = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))

    def __enter__(self) -> Zenodo:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def reset(self) -> None:
        """Forget faults, requests and speed; records stay."""
        self.faults.clear()
        self.requests.clear()
        self.bytes_per_second = None

    def add(
        self,
        identifier: str,
        files: Mapping[str, bytes],
        *,
        concept: str | None = None,
        version: str | None = "1",
    ) -> None:
        """Publish a record; `concept` leads to the version added last."""
        self.contents.update({(identifier, name): data for name, data in files.items()})
        self.records[identifier] = {
            "id": int(identifier),
            "doi": f"10.5281/zenodo.{identifier}",
            "metadata": {"title": "A data set", "license": {"id": "cc-by-4.0"}}
            | ({"version": version} if version else {}),
            "files": [self.entry(identifier, name, data) for name, data in files.items()],
        }
        if concept:
            self.records[identifier] |= {
                "conceptrecid": concept,
                "conceptdoi": f"10.5281/zenodo.{concept}",
            }
            self.redirects[concept] = identifier

    def entry(self, identifier: str, name: str, data: bytes) -> dict[str, Any]:
        """How the API describes a file."""
        link = f"{self.url}/api/records/{identifier}/files/{quote(name)}/content"
        checksum = f"md5:{hashlib.md5(data).hexdigest()}"
        return {"key": name, "size": len(data), "checksum": checksum, "links": {"self": link}}

    @property
    def downloads(self) -> list[Request]:
        """The requests for files' contents so far."""
        return [request for request in self.requests if request.path.endswith("/content")]

    @property
    def sent(self) -> int:
        """Bytes of files' contents sent so far."""
        return sum(request.sent for request in self.downloads)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes away is what is tested here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    zenodo: Zenodo

    def log_message(self, *_: object) -> None:
        """Quiet: the requests are kept."""

    def do_GET(self) -> None:
        zenodo = self.zenodo
        self.request_seen = Request(
            self.path,
            self.headers.get("Range"),
            time.monotonic(),
            self.headers.get("User-Agent", ""),
        )
        zenodo.requests.append(self.request_seen)
        self.fault = zenodo.faults.popleft() if zenodo.faults else Fault("ok")
        assert self.fault.kind in KINDS
        try:
            self._answer()
        except OSError:
            self.close_connection = True

    def _answer(self) -> None:
        kind = self.fault.kind
        if kind.isdigit():
            self._status(int(kind))
        elif kind == "html":
            self._body(200, b"<html>Please log in</html>", {})
        elif content := re.fullmatch(r"/api/records/(\d+)/files/([^/]+)/content", self.path):
            self._file(self.zenodo.contents.get((content[1], unquote(content[2]))))
        elif mirrored := re.fullmatch(r"/mirror/(\d+)/([^/]+)", self.path):
            self._file(self.zenodo.contents.get((mirrored[1], unquote(mirrored[2]))))
        elif record := re.fullmatch(r"/api/records/(\d+)", self.path):
            self._record(record[1])
        else:
            self._status(404)

    def _record(self, identifier: str) -> None:
        zenodo = self.zenodo
        if identifier in zenodo.redirects:
            target = f"/api/records/{zenodo.redirects[identifier]}"
            self._body(302, b"", {"Location": target})
        elif identifier in zenodo.records:
            self._body(200, json.dumps(zenodo.records[identifier]).encode(), {})
        else:
            self._status(404)

    def _file(self, data: bytes | None) -> None:
        if data is None:
            self._status(404)
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None or self.fault.kind == "ignore range":
            self._body(200, data, {})
            return
        start, total = int(asked[1]), len(data)
        if start >= total or self.fault.kind == "refuse range":
            self._body(416, b"", {"Content-Range": f"bytes */{total}"})
            return
        said = start
        if self.fault.kind == "wrong range":
            said = start = start // 2
        elif self.fault.kind == "false range":
            data = data[start // 2 :] + data[: start // 2]
        self._body(206, data[start:], {"Content-Range": f"bytes {said}-{total - 1}/{total}"})

    def _status(self, status: int) -> None:
        headers = {}
        if self.fault.retry_after is not None:
            headers["Retry-After"] = str(self.fault.retry_after)
        self._body(status, b'{"message": "no"}', headers)

    def _body(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        fault = self.fault
        length = len(data)
        at = min(fault.at, length)
        if fault.kind == "corrupt" and data:
            at = min(at, length - 1)
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        elif fault.kind == "too much":
            data += b"more"
        elif fault.kind == "short length":
            data = data[: length // 2]
            length = len(data)
        elif fault.kind == "long length":
            length += 10
        self.send_response(status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        if fault.kind == "too much":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if fault.kind in {"drop", "stall"}:
            self._send(data[:at])
            self.wfile.flush()
            if fault.kind == "stall":
                self.zenodo.closing.wait(3)
            self.close_connection = True
            return
        self._send(data)
        if fault.kind in {"too much", "long length"}:
            self.close_connection = True

    def _send(self, data: bytes) -> None:
        speed = self.zenodo.bytes_per_second
        step = 16 * 1024 if speed else max(len(data), 1)
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            self.wfile.write(piece)
            self.request_seen.sent += len(piece)
            if speed:
                time.sleep(len(piece) / speed)


def http_date(seconds_from_now: float) -> str:
    """An HTTP date; it has no fractions of a second."""
    return formatdate(time.time() + seconds_from_now, usegmt=True)
