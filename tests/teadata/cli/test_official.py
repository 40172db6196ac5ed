"""``teadata fetch`` as its user meets it, from a server that behaves like Zenodo."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import zipfile

import pytest

import teadata
from teadata import catalog, formats

from ..remote.server import Fault, Zenodo

RECORD, CONCEPT = "7007", "7000"


@pytest.fixture(scope="module")
def challenge(mini_i, tmp_path_factory) -> dict[str, bytes]:
    """A record as the official one may be: an archive for each challenge."""
    folder = tmp_path_factory.mktemp("challenge")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("folded/train/200", "folded/valid/200", "folded/test"):
            path = folder / "frames.npz"
            formats.write(path, mini_i.split(name)[:200])
            archive.write(path, f"{name.removesuffix('/200')}.npz")
    return {"Challenge_I.zip": stream.getvalue(), "Challenge_II.zip": b"other", "README": b"read"}


@pytest.fixture
def zenodo(challenge, tmp_path, monkeypatch):
    with Zenodo() as server:
        server.add(RECORD, challenge, concept=CONCEPT, version="1.2")
        monkeypatch.setenv("TEADATA_ZENODO_URL", server.url)
        monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))
        for name in ("TEADATA_OFFLINE", "TEADATA_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield server


def test_a_dry_run_lists_files_and_downloads_none(run, zenodo, challenge):
    done = run("teadata", "fetch", "tea2023-i", "--record", RECORD, "--dry-run")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[-1] for line in done.stdout.splitlines() if "%" in line}
    assert rows == {"Challenge_I.zip": "yes", "Challenge_II.zip": "no", "README": "no"}
    assert not [request for request in zenodo.requests if "content" in request.path]
    assert "tea2023-i" not in catalog.here()


def test_fetched_data_are_a_dataset(run, zenodo, mini_i):
    done = run("teadata", "fetch", "tea2023-i", "--record", f"10.5281/zenodo.{CONCEPT}")
    assert done.returncode == 0, done.stderr
    assert "stands for all versions" in done.stdout
    assert f"--record {RECORD}" in done.stdout
    assert "folded/test" in done.stdout
    data = teadata.load("tea2023-i")
    assert len(data.split("folded/train")) == 200
    assert (data.split("folded/test").forces == mini_i.split("folded/test").forces[:200]).all()
    assert data.card.source.record == RECORD
    assert [file.name for file in data.card.source.files] == ["Challenge_I.zip"]
    asked = len(zenodo.requests)
    done = run("teadata", "fetch", "tea2023-i", "--record", RECORD)
    assert done.returncode == 0, done.stderr
    assert "is here already" in done.stdout
    assert not [r for r in zenodo.requests[asked:] if "content" in r.path]
    done = run("teadata", "fetch", "tea2023-i", "--record", RECORD, "--replace")
    assert done.returncode == 0, done.stderr
    assert run("teadata", "verify", "tea2023-i").returncode == 0


def test_offline_what_is_here_works(run, zenodo, monkeypatch):
    monkeypatch.setenv("TEADATA_OFFLINE", "1")
    done = run("teadata", "fetch", "tea2023-i", "--record", RECORD)
    assert done.returncode == 1
    assert "TEADATA_OFFLINE" in done.stderr
    assert "teadata ingest" in done.stderr
    assert "Traceback" not in done.stderr
    monkeypatch.delenv("TEADATA_OFFLINE")
    assert run("teadata", "fetch", "tea2023-i", "--record", RECORD).returncode == 0
    monkeypatch.setenv("TEADATA_OFFLINE", "1")
    asked = len(zenodo.requests)
    done = run("teadata", "fetch", "tea2023-i", "--record", RECORD, "--replace")
    assert done.returncode == 0, done.stderr
    assert len(zenodo.requests) == asked


def test_without_network_it_says_what_to_do(run, zenodo, monkeypatch):
    monkeypatch.setenv("TEADATA_ZENODO_URL", "http://127.0.0.1:9")  # nobody listens
    done = run("teadata", "fetch", "tea2023-iii")
    assert done.returncode == 1
    assert "https://doi.org/10.5281/zenodo.14138387" in done.stderr
    assert "teadata ingest PATH --dataset tea2023-iii" in done.stderr
    assert "Traceback" not in done.stderr


def test_which_files_is_asked_where_names_do_not_tell(run, zenodo, challenge):
    zenodo.add("8", {"a.zip": challenge["Challenge_I.zip"], "b.zip": b"other"})
    done = run("teadata", "fetch", "tea2023-i", "--record", "8")
    assert done.returncode == 2
    assert "which of these files belong to tea2023-i is not known; choose" in done.stderr
    assert "a.zip" in done.stdout
    done = run("teadata", "fetch", "tea2023-i", "--record", "8", "--file", "c.zip")
    assert done.returncode == 2
    assert "unknown file 'c.zip'; expected one of: a.zip, b.zip" in done.stderr
    done = run("teadata", "fetch", "tea2023-i", "--record", "8", "--file", "a.zip")
    assert done.returncode == 0, done.stderr
    assert [file.name for file in teadata.load("tea2023-i").card.source.files] == ["a.zip"]


def test_what_cannot_be_ingested_is_kept_with_the_way_on(run, zenodo, mini_i, tmp_path):
    formats.write(tmp_path / "frames.npz", mini_i.split("folded/test")[:10])
    zenodo.add("9", {"frames.npz": (tmp_path / "frames.npz").read_bytes()})
    done = run("teadata", "fetch", "tea2023-i", "--record", "9")
    assert done.returncode == 2
    assert "--map frames.npz=" in done.stderr
    file = tmp_path / "home" / "records" / "9" / "files" / "frames.npz"
    assert f"teadata ingest {file} --dataset tea2023-i" in done.stderr
    assert file.is_file()
    done = run("teadata", "fetch", "tea2023-i", "--record", "9", "--map", "frames.npz=folded/test")
    assert done.returncode == 0, done.stderr


def test_a_damaged_download_is_repeated(run, zenodo):
    zenodo.faults.extend([Fault("ok"), Fault("corrupt", at=500), Fault("ok")])
    done = run("teadata", "fetch", "tea2023-i", "--record", RECORD)
    assert done.returncode == 0, done.stderr
    assert len([r for r in zenodo.requests if "content" in r.path]) == 2


def test_pinned_files_are_what_is_fetched_and_no_others(run, zenodo, tmp_path, monkeypatch):
    assert run("teadata", "fetch", "tea2023-i", "--record", RECORD).returncode == 0
    patch = run("teadata", "pin", "tea2023-i").stdout
    assert f"record: '{RECORD}'" in patch
    # as after `git apply`: a package whose card is pinned, to another content
    root = tmp_path / "data"
    shutil.copytree(catalog.data_root() / "cards", root / "cards")
    card = root / "cards" / "tea2023-i.yaml"
    file = {"name": "Challenge_I.zip", "bytes": 5, "sha256": "0" * 64}
    card.write_text(card.read_text() + f"  record: '{RECORD}'\n  files:\n  - {json.dumps(file)}\n")
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "other"))
    monkeypatch.setattr(catalog, "data_root", lambda: root)
    from typer.testing import CliRunner

    from teadata.cli import app

    done = CliRunner().invoke(app, ["fetch", "tea2023-i"])
    assert done.exit_code == 1
    assert "0000000000" in str(done.exception)
    assert not list((tmp_path / "other").rglob("files/*"))


def test_hydrogen_needs_a_record(run, zenodo):
    done = run("teadata", "fetch", "hydrogen")
    assert done.returncode == 2
    assert "--record" in done.stderr
    done = run("teadata", "fetch", "mini-i")
    assert done.returncode == 2
    assert "comes with the package" in done.stderr


def test_all_of_a_record_may_hold_more_than_frames(run, zenodo, challenge, tmp_path):
    formats.write(tmp_path / "other.npz", teadata.load("mini-ii").split("complete/test")[:5])
    more = {
        "README.md": b"# Data",
        "paper.pdf": b"%PDF-1.7",
        "read_data.py": b"print(1)",
        "Challenge_I.zip": challenge["Challenge_I.zip"],
        "Challenge_II_test.npz": (tmp_path / "other.npz").read_bytes(),
    }
    zenodo.add("7008", more)
    done = run("teadata", "fetch", "tea2023-i", "--record", "7008", "--all")
    assert done.returncode == 0, done.stderr
    for name in ("README.md", "paper.pdf", "read_data.py", "Challenge_II_test.npz"):
        assert f"passed over: {name}: " in done.stdout
    assert len(teadata.load("tea2023-i").split("folded/train")) == 200


def test_the_advice_after_an_unclear_record_goes_on(run, zenodo, mini_i, tmp_path):
    formats.write(tmp_path / "x.npz", mini_i.split("folded/test")[:20])
    formats.write(tmp_path / "o.npz", teadata.load("mini-ii").split("complete/test")[:5])
    zenodo.add(
        "7009",
        {
            "Ac-Ala3-NHMe-20.npz": (tmp_path / "x.npz").read_bytes(),
            "other.npz": (tmp_path / "o.npz").read_bytes(),
            "README.md": b"# Data",
        },
    )
    done = run("teadata", "fetch", "tea2023-i", "--record", "7009", "--all")
    assert done.returncode == 2
    advice = done.stderr[done.stderr.index("To go on: ") :].removeprefix("To go on: ")
    command = shlex.split(advice.splitlines()[0])
    done = run(*command, "--map", "Ac-Ala3-NHMe-20.npz=folded/test")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "nonsense"], "--map nonsense: expected FILE="),
        (["--write-map", "map.txt"], "a mapping is written as .yaml"),
        (["--write-map", "no such folder/map.yaml"], "there is no folder"),
    ],
)
def test_options_are_looked_at_before_the_download(run, zenodo, options, message):
    done = run("teadata", "fetch", "tea2023-i", "--record", RECORD, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert zenodo.requests == []


def test_the_command_that_goes_on_has_the_options_of_the_first(run, zenodo, mini_i, tmp_path):
    formats.write(tmp_path / "x y.npz", mini_i.split("folded/test")[:20])
    zenodo.add("7010", {"x y.npz": (tmp_path / "x y.npz").read_bytes()})
    options = ["--map", "x y.npz=unfolded/train/9", "--length-unit", "Å", "--replace"]
    done = run("teadata", "fetch", "tea2023-i", "--record", "7010", *options)
    assert done.returncode == 2
    assert "the file has 20 frames, not 9" in done.stderr
    command = done.stderr[done.stderr.index("To go on: ") :].removeprefix("To go on: ")
    assert shlex.split(command)[-5:] == options
    done = run(*shlex.split(command.replace("train/9", "train/20")))
    assert done.returncode == 0, done.stderr


def test_a_mapping_that_may_be_corrected_is_not_replaced(run, mini_i, tmp_path, monkeypatch):
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "home"))
    frames, mapping = tmp_path / "some frames.npz", tmp_path / "my map.yaml"
    formats.write(frames, mini_i.split("folded/test")[:20])
    command = ["teadata", "ingest", frames, "--dataset", "tea2023-i", "--write-map", mapping]
    done = run(*command)
    assert done.returncode == 0, done.stderr
    advice = shlex.split(done.stdout[done.stdout.index("--map ") :])
    mapping.write_text(mapping.read_text().replace("'?'", "'folded/test'"))
    corrected = mapping.read_text()
    done = run(*command)
    assert done.returncode == 2
    assert "it may have been corrected by hand" in done.stderr
    assert mapping.read_text() == corrected
    done = run("teadata", "ingest", frames, "--dataset", "tea2023-i", *advice)
    assert done.returncode == 0, done.stderr
