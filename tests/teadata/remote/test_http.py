"""Statuses, Retry-After, and what is tried again."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest

from teadata import remote
from teadata.remote import NetworkError, Patience, UnreachableError
from teadata.remote.http import answer, opened_session

from .server import Fault, http_date


@pytest.mark.parametrize("status", ["429", "503"])
def test_retry_after_in_seconds_is_honoured(zenodo, hasty, status):
    zenodo.faults.append(Fault(status, retry_after=1))
    remote.resolve("101", patience=hasty)
    first, second = zenodo.requests
    assert second.time - first.time >= 1


def test_retry_after_as_a_date_is_honoured(zenodo):
    zenodo.faults.append(Fault("429", retry_after=http_date(2)))
    remote.resolve("101", patience=Patience(first=0.001))
    first, second = zenodo.requests
    assert 0.9 <= second.time - first.time < 10  # the date is cut to whole seconds


@pytest.mark.parametrize(
    "fault",
    [
        Fault("503", retry_after="9" * 30),
        Fault("503", retry_after="9" * 400),
        Fault("429", headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 12}),
    ],
    ids=["seconds", "more", "reset"],
)
def test_a_wait_that_no_clock_reaches_is_one_clear_error(zenodo, hasty, fault):
    zenodo.faults.append(fault)
    with pytest.raises(UnreachableError, match="Run the command again another day"):
        remote.resolve("101", patience=hasty)


@pytest.mark.parametrize("said", [int, http_date], ids=["seconds", "date"])
def test_a_wait_beyond_patience_ends_at_once_and_says_when_to_come_back(zenodo, hasty, said):
    zenodo.faults.append(Fault("429", retry_after=said(3600)))
    with pytest.raises(UnreachableError, match=r"asks to wait 3\d\d\d s; .* again after 20\d\d-"):
        remote.resolve("101", patience=hasty)
    assert len(zenodo.requests) == 1


@pytest.mark.parametrize("header", [None, "soon", "-5"])
def test_without_a_usable_retry_after_waits_double(zenodo, header):
    zenodo.faults.extend([Fault("503", retry_after=header)] * 3)
    remote.resolve("101", patience=Patience(first=0.1))
    times = [request.time for request in zenodo.requests]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert len(waits) == 3
    # half of the wait is jitter
    assert all(wait >= 0.05 * 2**number for number, wait in enumerate(waits))


def test_attempts_end_in_an_error_that_says_what_happened_and_what_to_do(zenodo, hasty):
    zenodo.faults.extend([Fault("503")] * 4)
    with pytest.raises(UnreachableError) as caught:
        remote.resolve("101", patience=hasty, dataset="tea2023-iii")
    assert "given up after 4 attempts: status 503" in str(caught.value)
    assert "teadata ingest PATH --dataset tea2023-iii" in str(caught.value)
    assert len(zenodo.requests) == 4


@pytest.mark.parametrize("status", ["403", "404"])
def test_a_refusal_is_not_repeated(zenodo, hasty, status):
    zenodo.faults.append(Fault(status))
    with pytest.raises(NetworkError, match=f"status {status}"):
        remote.resolve("101", patience=hasty)
    assert len(zenodo.requests) == 1


@pytest.mark.parametrize("kind", ["html", "drop", "stall", "short length", "long length", "500"])
def test_a_broken_answer_of_the_api_is_asked_for_again(zenodo, hasty, kind):
    zenodo.faults.append(Fault(kind, at=50))
    assert remote.resolve("101", patience=hasty).id == "101"
    assert len(zenodo.requests) == 2


def test_without_network_it_ends_soon_with_what_to_do(zenodo, monkeypatch):
    monkeypatch.setenv("TEADATA_ZENODO_URL", "http://127.0.0.1:9")
    with pytest.raises(UnreachableError) as caught:
        remote.resolve("10.5281/zenodo.101", dataset="tea2023-i", patience=Patience(first=0.01))
    message = str(caught.value)
    assert "given up after 3 attempts: no connection" in message
    assert "Connection refused" in message
    assert "0x" not in message
    assert "teadata ingest PATH --dataset tea2023-i" in message
    assert f"copy {remote.home() / 'records'} from a machine" in message


def test_a_name_that_does_not_resolve_is_no_network_too(zenodo, monkeypatch):
    monkeypatch.setenv("TEADATA_ZENODO_URL", "http://zenodo.invalid")
    with pytest.raises(UnreachableError, match=r"no connection .*teadata ingest PATH"):
        remote.resolve("101", patience=Patience(attempts=1))


def test_missing_certificates_are_named(zenodo, monkeypatch, tmp_path):
    monkeypatch.setenv("TEADATA_ZENODO_URL", "https://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    with pytest.raises(NetworkError, match=r"absent\.pem"):
        remote.resolve("101", patience=Patience(attempts=1))


def test_the_server_learns_who_asks(zenodo, hasty):
    remote.resolve("101", patience=hasty)
    assert re.fullmatch(r"tea-benchmark/\d\S* \(\+https://\S+\)", zenodo.requests[0].user_agent)


@pytest.mark.parametrize("kind", ["429", "503"])
@pytest.mark.parametrize("reset", ["from now", "since 1970"])
def test_the_time_of_a_rate_limit_is_kept(zenodo, kind, reset):
    at = "1" if reset == "from now" else str(int(time.time()) + 2)
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": at}
    zenodo.faults.append(Fault(kind, headers=limit))
    remote.resolve("101", patience=Patience(first=0.001))
    first, second = zenodo.requests
    assert second.time - first.time >= 0.9


def test_requests_that_are_left_are_no_reason_to_wait(zenodo, hasty):
    limit = {"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "100"}
    zenodo.faults.append(Fault("429", headers=limit))
    remote.resolve("101", patience=hasty)
    first, second = zenodo.requests
    assert second.time - first.time < 5


def test_the_last_request_of_a_limit_is_the_last(zenodo):
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}
    zenodo.faults.append(Fault("ok", headers=limit))
    address = zenodo.url + "/api/records/101"
    with opened_session() as session:
        for _ in range(2):
            with answer(session, address, Patience(), {}) as response:
                assert response.status_code == 200
    first, second = zenodo.requests
    assert second.time - first.time >= 0.9


def test_a_rate_limit_beyond_patience_says_when_to_come_back(zenodo, hasty):
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3600)}
    zenodo.faults.append(Fault("429", headers=limit))
    with pytest.raises(UnreachableError, match=r"asks to wait 3\d\d\d s; .* again after 20\d\d-"):
        remote.resolve("101", patience=hasty)
