"""Files are written whole or not at all, never onto what is no file, and a kill loses nothing."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from teadata import files
from teadata.errors import DataError, UsageError
from teadata.files import atomic_write, recover, replace_folder, reserved, staging, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed(code: str, *arguments: Path) -> None:
    """Run Python code that kills itself."""
    head = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from teadata.files import atomic_write, replace_folder, reserved, staging\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", head + code, *map(str, arguments)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_file_is_replaced_only_when_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half \udcff")
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/full")


def link_to_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to(path.with_name("pipe"))


@pytest.mark.parametrize("make", [fifo, listening, device, link_to_fifo, Path.mkdir])
def test_what_is_no_file_is_refused_and_stays(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    path = Path("out.json")
    make(path)
    before = path.lstat(), path.stat(), names(tmp_path)
    with pytest.raises(UsageError, match=r"out\.json: is "):
        write_text(path, "text")
    assert (path.lstat(), path.stat(), names(tmp_path)) == before


@pytest.mark.parametrize("there", [True, False], ids=["a file", "nothing"])
def test_the_target_of_a_link_is_written(tmp_path, there):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "a.txt", tmp_path / "link.txt"
    if there:
        target.write_text("old")
    link.symlink_to(Path("real") / "a.txt")
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert names(tmp_path) == ["link.txt", "real"]


def test_links_that_lead_nowhere_are_an_error(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DataError, match="loop"):
        write_text(tmp_path / "loop", "text")
    (tmp_path / "out").symlink_to(tmp_path / "no folder" / "a.txt")
    with pytest.raises(DataError, match="No such file"):
        write_text(tmp_path / "out", "text")


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_name_is_needed(path):
    with pytest.raises(UsageError, match="not the name of a file"):
        write_text(Path(path), "text")


def test_files_have_the_permissions_that_the_user_wants(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_two_processes_of_one_number_do_not_share_a_temporary_name(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 7)  # two containers on one disk
    path = tmp_path / "a.txt"
    with atomic_write(path) as first, atomic_write(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert names(tmp_path) == ["a.txt"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    killed("with atomic_write(Path(sys.argv[1])) as p: p.write_text('half'); die()", path)
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    with atomic_write(path) as partial:
        partial.write_text("new")
        with atomic_write(tmp_path / "b.txt") as other:  # the first is at work: not a leftover
            other.write_text("b")
    assert names(tmp_path) == ["a.txt", "b.txt"]
    assert path.read_text() == "new"


REPLACE = """
place = Path(sys.argv[1])
move, moved = os.replace, []
def moving(old, new):
    if len(moved) == {kill}: die()
    moved.append(new)
    move(old, new)
os.replace = moving
with staging(place) as room:
    (room / "new").mkdir()
    (room / "new" / "text").write_text("new")
    replace_folder(room / "new", place / "data", room)
    die()
"""


@pytest.mark.parametrize(("kill", "found"), [(0, "old"), (1, "old"), (2, "new")])
def test_a_folder_survives_a_kill_at_each_step_of_its_replacement(tmp_path, kill, found):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "text").write_text("old")
    killed(REPLACE.format(kill=kill), tmp_path)
    recover(tmp_path)
    assert (tmp_path / "data" / "text").read_text() == found
    assert names(tmp_path) == ["data"]


def test_a_folder_is_put_back_if_the_new_one_cannot_come(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "text").write_text("old")
    with pytest.raises(OSError, match="missing"), staging(tmp_path) as place:
        replace_folder(place / "missing", tmp_path / "data", place)
    assert (tmp_path / "data" / "text").read_text() == "old"
    assert names(tmp_path) == ["data"]


def test_a_file_is_made_by_one_process_at_a_time(tmp_path):
    path = tmp_path / "a.txt"
    with reserved(path, "predicting"):
        with (
            pytest.raises(UsageError, match="another process is predicting it"),
            reserved(path, "predicting"),
        ):
            pass
        assert files.contents(tmp_path) == {".a.txt.lock"}
    with reserved(path, "predicting"):  # free again
        pass
    assert names(tmp_path) == []
    killed("with reserved(Path(sys.argv[1]), 'predicting'): die()", path)
    with reserved(path, "predicting"):  # a lock dies with its process
        pass
