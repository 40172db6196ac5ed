"""Requests that are repeated with patience, and end in an answer or in one clear error."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from teadata.errors import TeaError

if TYPE_CHECKING:
    from requests import Response, Session

    from teadata.remote.progress import Progress

FIRST_CONTACT = 3
"""Attempts on a server that never answered: a machine without network should say so soon."""

GOOD = {200, 206, 416}
PASSING = {408, 425, 429}


class NetworkError(TeaError):
    """A server refused, or sent something invalid."""


class UnreachableError(NetworkError):
    """No answer within the patience: no network, or a server that is down or overloaded."""


class TransientError(Exception):
    """A failure that may be gone next time; never leaves this package.

    ``retry_after`` is the wait in seconds that the server asked for; ``answered`` says
    whether there was a server at all.
    """

    def __init__(
        self, reason: str, *, retry_after: float | None = None, answered: bool = True
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.answered = answered


@dataclass(frozen=True)
class Patience:
    """How long to try: all times in seconds.

    ``attempts`` without progress end it; waits between them double from ``first`` up to
    ``longest``, which also bounds the wait that a server may ask for.  ``connect`` and
    ``read`` are the longest silences while connecting and while receiving.
    """

    attempts: int = 6
    first: float = 1.0
    longest: float = 120.0
    connect: float = 10.0
    read: float = 60.0


class Retries:
    """Counts the failures of one purpose, and waits between attempts."""

    def __init__(self, purpose: str, patience: Patience, progress: Progress) -> None:
        self.purpose = purpose
        self.patience = patience
        self.progress = progress
        self.failures = 0
        self.answered = False

    def after(self, failure: TransientError, *, progressed: bool = False) -> None:
        """Wait until the next attempt is due.

        Parameters
        ----------
        failure
            What ended the last attempt.
        progressed
            Whether that attempt came further than all before it: then it does not count.

        Raises
        ------
        UnreachableError
            If the attempts are used up, or the server asks for a longer wait than allowed.
        """
        self.answered |= failure.answered
        self.failures = 0 if progressed else self.failures + 1
        attempts = self.patience.attempts
        allowed = attempts if self.answered else min(FIRST_CONTACT, attempts)
        if self.failures >= allowed:
            tries = f"{self.failures} attempts" if self.failures > 1 else "one attempt"
            raise UnreachableError(f"{self.purpose}: given up after {tries}: {failure}")
        wait = self._wait(failure)
        self.progress.message(f"{self.purpose}: {failure}; next attempt in {wait:.1f} s")
        time.sleep(wait)

    def _wait(self, failure: TransientError) -> float:
        longest = self.patience.longest
        asked = failure.retry_after or 0.0
        if asked > longest:
            raise UnreachableError(
                f"{self.purpose}: {failure}, and the server asks to wait {asked:.0f} s; this "
                f"waits {longest:.0f} s at most. Run the command again {_after(asked)}: it "
                "continues where it stopped"
            )
        backoff = min(longest, self.patience.first * 2.0 ** max(self.failures - 1, 0))
        # jitter: many jobs that failed together must not come back together
        return max(asked, backoff * random.uniform(0.5, 1.0))


@contextmanager
def opened_session() -> Iterator[Session]:
    """Open a session that names this software and its URL, and asks for uncompressed bytes."""
    import requests

    from teadata.provenance import DISTRIBUTION, package_version, project_url

    with requests.Session() as session:
        session.headers["User-Agent"] = f"{DISTRIBUTION}/{package_version()} (+{project_url()})"
        session.headers["Accept-Encoding"] = "identity"
        yield session


@contextmanager
def answer(
    session: Session, url: str, patience: Patience, headers: Mapping[str, str]
) -> Iterator[Response]:
    """The answer to one GET, its body not yet read, with status 200, 206 or 416.

    Failures while the body is read within the block are translated too.

    Raises
    ------
    TransientError
        If the same request may succeed later.
    NetworkError
        If it will not.
    """
    import requests
    from urllib3.exceptions import HTTPError

    try:
        _pause(session, url, patience)
        with _get(session, url, patience, headers) as response:
            _remember(session, response)
            _check_status(response)
            yield response
    except requests.exceptions.SSLError as error:
        raise NetworkError(
            f"{url}: the server's certificate is not trusted ({_innermost(error)}). Behind a "
            "proxy that inspects traffic, set REQUESTS_CA_BUNDLE to its certificate"
        ) from None
    except requests.exceptions.ConnectionError as error:
        # connection errors come before the answer, except that of a read that timed out
        raise TransientError(f"no connection ({_innermost(error)})", answered=False) from None
    except (requests.exceptions.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise TransientError(_innermost(error)) from None
    except requests.RequestException as error:
        raise NetworkError(f"{url}: {_innermost(error)}") from None
    except HTTPError as error:  # urllib3's, from reading the raw body
        raise TransientError(f"connection lost ({_innermost(error)})") from None


def _get(session: Session, url: str, patience: Patience, headers: Mapping[str, str]) -> Response:
    import requests

    times = (patience.connect, patience.read)
    try:
        return session.get(url, headers=headers, stream=True, timeout=times)
    except requests.RequestException:
        raise
    except OSError as error:  # the certificates that REQUESTS_CA_BUNDLE names are not there
        raise NetworkError(f"{url}: {error}") from None


def _check_status(response: Response) -> None:
    status = response.status_code
    if status in GOOD:
        return
    reason = f"status {status} {response.reason or ''}".strip()
    if status in PASSING or status >= 500:
        waits = _seconds(response.headers.get("Retry-After")), until_reset(response.headers)
        asked = [wait for wait in waits if wait is not None]
        raise TransientError(reason, retry_after=max(asked, default=None))
    meaning = {
        401: "the server asks for a login: is access restricted?",
        403: "the server refuses: is access restricted?",
        404: "there is nothing at this address",
        410: "it was withdrawn",
    }.get(status, "the server refuses")
    raise NetworkError(f"{response.url}: {reason}; {meaning}")


EPOCH = 1e9
"""A time of reset above this is seconds since 1970, below it seconds from now."""


def until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until a server answers again that has no requests left, else None.

    Parameters
    ----------
    headers
        Of its answer: ``X-RateLimit-Remaining``, and ``X-RateLimit-Reset`` as seconds since 1970
        or from now.
    """
    left = headers.get("X-RateLimit-Remaining", "").strip()
    reset = headers.get("X-RateLimit-Reset", "").strip()
    if not (left.isdecimal() and int(left) == 0 and re.fullmatch(r"\d{1,12}(\.\d+)?", reset)):
        return None
    seconds = float(reset)
    return max(0.0, seconds - time.time()) if seconds > EPOCH else seconds


def _remember(session: Session, response: Response) -> None:
    """Keep when the next request of a session may be made, where the server says so."""
    wait = until_reset(response.headers)
    if wait is not None:
        _WAITING[session] = time.time() + wait


_WAITING: WeakKeyDictionary[Session, float] = WeakKeyDictionary()
"""When each session may ask again, in seconds since 1970, if the server said that."""


def _pause(session: Session, url: str, patience: Patience) -> None:
    """Wait until a session may ask again; an error if that is longer than allowed."""
    wait = _WAITING.pop(session, 0.0) - time.time()
    if wait > patience.longest:
        raise UnreachableError(
            f"{url}: the server answers no more requests for {wait:.0f} s (its rate limit). Run "
            f"the command again {_after(wait)}: it continues where it stopped"
        )
    if wait > 0:
        time.sleep(wait)


def _after(wait: float) -> str:
    """When a number of seconds is over, by this machine's clock."""
    try:
        end = datetime.fromtimestamp(time.time() + wait)
    except (OverflowError, ValueError, OSError):  # whatever number a server sends
        return "another day"
    return f"after {end:%Y-%m-%d %H:%M:%S}"


def _seconds(retry_after: str | None) -> float | None:
    """The wait in seconds that a Retry-After header asks for: a number, or an HTTP date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _innermost(error: BaseException) -> str:
    """What the nested errors of requests and urllib3 come from, without object addresses."""
    cause: object = error
    while True:
        inner = getattr(cause, "reason", None)
        if not isinstance(inner, BaseException):
            arguments = getattr(cause, "args", ())
            inner = next((a for a in arguments if isinstance(a, BaseException)), None)
        if inner is None or inner is cause:
            break
        cause = inner
    text = str(cause)
    # urllib3 puts "<object at 0x…>: " or "HTTPConnection(…): " before the sentence
    return text.rpartition("): ")[2].rpartition(">: ")[2] or type(cause).__name__
