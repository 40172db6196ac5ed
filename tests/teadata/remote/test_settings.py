"""The environment, read at each call."""

from __future__ import annotations

from pathlib import Path

import pytest

from teadata import remote
from teadata.errors import UsageError


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path))
    assert remote.home() == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEADATA_HOME", "here")
    assert remote.home() == tmp_path / "here"
    monkeypatch.setenv("TEADATA_HOME", " ")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert remote.home().name == "teadata"
    assert remote.home().is_absolute()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("true", True), ("YES", True), ("0", False), ("", False), ("no", False)],
)
def test_offline(monkeypatch, value, expected):
    monkeypatch.setenv("TEADATA_OFFLINE", value)
    assert remote.offline() is expected


def test_offline_is_never_guessed(monkeypatch):
    monkeypatch.setenv("TEADATA_OFFLINE", "maybe")
    with pytest.raises(UsageError, match="TEADATA_OFFLINE is 'maybe'; expected 1"):
        remote.offline()


def test_zenodo_url(monkeypatch):
    monkeypatch.delenv("TEADATA_ZENODO_URL", raising=False)
    assert remote.zenodo_url() == "https://zenodo.org"
    monkeypatch.setenv("TEADATA_ZENODO_URL", "https://sandbox.zenodo.org/")
    assert remote.zenodo_url() == "https://sandbox.zenodo.org"
    monkeypatch.setenv("TEADATA_ZENODO_URL", "zenodo.org")
    with pytest.raises(UsageError, match="expected a URL"):
        remote.zenodo_url()


def test_mirror(monkeypatch, tmp_path):
    monkeypatch.delenv("TEADATA_MIRROR", raising=False)
    assert remote.mirror() is None
    monkeypatch.setenv("TEADATA_MIRROR", "https://example.org/tea/")
    assert remote.mirror() == "https://example.org/tea"
    for value in (str(tmp_path), f"file://{tmp_path}"):
        monkeypatch.setenv("TEADATA_MIRROR", value)
        assert remote.mirror() == Path(tmp_path)
    monkeypatch.setenv("TEADATA_MIRROR", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="neither an http"):
        remote.mirror()


def test_what_only_begins_like_an_address_is_none(monkeypatch):
    monkeypatch.setenv("TEADATA_ZENODO_URL", "http://[::1")
    with pytest.raises(UsageError, match=r"TEADATA_ZENODO_URL is 'http://\[::1'; expected a URL"):
        remote.zenodo_url()
    monkeypatch.setenv("TEADATA_MIRROR", "http://[::1")
    with pytest.raises(UsageError, match="neither an http"):
        remote.mirror()
    monkeypatch.delenv("TEADATA_ZENODO_URL")
    with pytest.raises(UsageError, match="is no Zenodo record"):
        remote.record_id("http://[::1")


def test_the_home_of_nobody(monkeypatch):
    monkeypatch.setenv("TEADATA_HOME", "~no-such-user/data")
    with pytest.raises(UsageError, match="TEADATA_HOME is '~no-such-user/data', and there is no"):
        remote.home()
