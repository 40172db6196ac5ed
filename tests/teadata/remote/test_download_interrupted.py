"""Killed, crowded, out of space, forbidden: the cache stays right and the next run finishes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from teadata import remote
from teadata.errors import DataError

NAME = "large file.npz"

FETCH = """
import sys
from teadata import remote
from teadata.remote.progress import Lines
remote.fetch_files(remote.resolve("101"), sys.argv[1:] or None, progress=Lines(sys.stdout))
"""

# One process that, for every event on files below its home, has a child killed just before it,
# and then finishes what the child began.
KILLED_AT_EVERY_STEP = """
import json, os, signal, sys
from pathlib import Path
from teadata import remote
import filelock, requests  # once, not in every child

name, events = sys.argv[1], {"open", "os.mkdir", "os.remove", "os.rename", "os.truncate"}
top, states = Path(os.environ["TEADATA_HOME"]), []

def killed_at(step):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        if event in events and str(top) in str(arguments[0]):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
    child = os.fork()
    if child == 0:
        sys.addaudithook(hook)
        remote.fetch_files(remote.resolve("101"), [name])
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])

step = 1
while True:
    os.environ["TEADATA_HOME"] = str(top / str(step))
    if not killed_at(step):
        break
    folder = top / str(step) / "records" / "101"
    states.append([(folder / "files" / name).exists(), (folder / "lock.json").exists()])
    remote.fetch_files(remote.resolve("101"), [name])
    step += 1
print(json.dumps(states))
"""


def start(*names: str, code: str = FETCH) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


def wait_until(reached) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_killed_between_any_two_steps_on_files(zenodo, assert_cache_right):
    top = remote.home()
    states = json.loads(finished(start("small.npz", code=KILLED_AT_EVERY_STEP)))
    assert len(states) > 10
    # killed before there was anything, with the entry and not the file, with both; and never
    # with the file but not its entry
    assert [False, False] in states
    assert [False, True] in states
    assert [True, True] in states
    assert [True, False] not in states
    for step in range(1, len(states) + 1):
        home = top / str(step)
        assert (home / "records" / "101" / "files" / "small.npz").is_file()
        assert_cache_right(home)


def test_killed_while_bytes_arrive_it_continues_where_it_was(zenodo, contents, assert_cache_right):
    size = len(contents[NAME])
    zenodo.bytes_per_second = 400_000
    for share in (0.2, 0.5, 0.8):
        process = start(NAME)
        file = remote.home() / "records" / "101" / "partial"
        wait_until(lambda f=file, s=share: sum(p.stat().st_size for p in f.glob("*")) > s * size)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert_cache_right(remote.home())
        assert not (remote.home() / "records" / "101" / "files" / NAME).exists()
    zenodo.bytes_per_second = None
    finished(start(NAME))
    assert_cache_right(remote.home())
    assert (remote.home() / "records" / "101" / "files" / NAME).is_file()
    ranges = [request.range for request in zenodo.downloads]
    begins = [int(text.removeprefix("bytes=").rstrip("-")) for text in ranges[1:] if text]
    assert len(begins) == 3
    assert all(begin > share * size for begin, share in zip(begins, (0.2, 0.5, 0.8), strict=True))
    # what was sent twice is what was on its way when it was killed
    assert zenodo.sent < size + 3 * 100_000


def test_ctrl_c_leaves_a_part_that_continues(zenodo, contents):
    class Impatient(remote.Silent):
        def advance(self, count: int) -> None:
            raise KeyboardInterrupt

    record = remote.resolve("101")
    file = record.file(NAME)
    with pytest.raises(KeyboardInterrupt):
        remote.fetch_file(record, file, progress=Impatient())
    here = remote.bytes_here(record, file)
    assert 0 < here < file.bytes
    assert remote.fetch_file(record, file).read_bytes() == contents[NAME]
    assert zenodo.downloads[-1].range == f"bytes={here}-"


def test_processes_at_once_download_once(zenodo, contents, assert_cache_right):
    zenodo.bytes_per_second = 200_000
    processes = [start(NAME) for _ in range(3)]
    outputs = [finished(process) for process in processes]
    assert len(zenodo.downloads) == 1
    assert zenodo.sent == len(contents[NAME])
    assert sum("waiting for another process" in text for text in outputs) == 2
    assert_cache_right(remote.home())


def test_a_waiting_process_takes_over_from_a_killed_one(zenodo, contents, assert_cache_right):
    zenodo.bytes_per_second = 200_000
    first = start(NAME)
    wait_until(lambda: zenodo.sent > 50_000)
    second = start(NAME)
    assert second.stdout is not None
    assert "waiting for another process" in second.stdout.readline()
    first.kill()
    first.communicate()
    zenodo.bytes_per_second = None
    finished(second)
    assert zenodo.downloads[-1].range is not None
    assert (remote.home() / "records" / "101" / "files" / NAME).read_bytes() == contents[NAME]
    assert_cache_right(remote.home())


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of one megabyte as home."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    monkeypatch.setenv("TEADATA_HOME", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_too_little_space_is_seen_before_the_download(zenodo, small_disk, contents):
    record = remote.resolve("101")
    (small_disk / "ballast").write_bytes(bytes(700_000))
    with pytest.raises(DataError, match=r"not enough space at .*400000 bytes .* still needed"):
        remote.fetch_files(record, [NAME])
    assert zenodo.downloads == []


def test_a_disk_that_fills_up_meanwhile(zenodo, small_disk, contents, assert_cache_right):
    ballast = small_disk / "ballast"

    class Neighbour(remote.Silent):
        """Another user of the disk, who takes all but some of it after the first bytes."""

        def advance(self, count: int) -> None:
            if not ballast.exists():
                space = os.statvfs(small_disk)
                ballast.write_bytes(bytes(space.f_bavail * space.f_bsize - 100_000))

    record = remote.resolve("101")
    file = record.file(NAME)
    with pytest.raises(DataError, match=r"No space left on device at .*are free\. Make space"):
        remote.fetch_file(record, file, progress=Neighbour())
    here = remote.bytes_here(record, file)
    assert 100_000 <= here < file.bytes
    assert_cache_right(small_disk)
    ballast.unlink()
    assert remote.fetch_file(record, file).read_bytes() == contents[NAME]
    assert zenodo.downloads[-1].range == f"bytes={here}-"
    assert_cache_right(small_disk)


def test_a_file_system_that_refuses_large_files(zenodo):
    """A limit of the process, as batch systems set them: the write itself fails."""
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
from teadata import TeaError, remote
try:
    remote.fetch_files(remote.resolve("101"), ["large file.npz"])
except TeaError as error:
    print(error)
"""
    assert "File too large at" in finished(start(code=code))
    record = remote.resolve("101")
    assert remote.bytes_here(record, record.file(NAME)) == 200_000
    finished(start(NAME))
    assert zenodo.downloads[-1].range == "bytes=200000-"


def test_offline_opens_no_socket(zenodo, monkeypatch):
    remote.fetch_files(remote.resolve("100"), ["small.npz"])
    code = """
import sys
def hook(event, arguments):
    if event.startswith("socket."):
        print("A SOCKET:", event)
sys.addaudithook(hook)
from teadata import TeaError, remote
for reference in ("100", "101"):
    print(remote.fetch_files(remote.resolve(reference), ["small.npz"]))
for reference in ("101", "999"):
    try:
        record = remote.resolve(reference, dataset="tea2023-iv")
        remote.fetch_files(record, dataset="tea2023-iv")
    except TeaError as error:
        print(error)
"""
    monkeypatch.setenv("TEADATA_OFFLINE", "1")
    zenodo.reset()
    output = finished(start(code=code))
    assert "A SOCKET" not in output
    lines = output.splitlines()
    assert len(lines) == 4
    assert "small.npz" in lines[0] == lines[1]
    assert "large file.npz of record 101 is not here" in lines[2]
    assert "record 999 is not known" in lines[3]
    assert all("teadata ingest PATH --dataset tea2023-iv" in line for line in lines[2:])
    assert zenodo.requests == []
    # with the network, the same code opens sockets, and is seen to
    monkeypatch.setenv("TEADATA_OFFLINE", "0")
    assert "A SOCKET: socket.connect" in finished(start(code=code))


def test_what_is_here_works_where_nothing_can_be_written(zenodo, monkeypatch):
    (path,) = remote.fetch_files(remote.resolve("101"), ["small.npz"])
    before = sorted((remote.home()).rglob("*"))
    forbidden = FETCH.replace(
        "import sys",
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    if event == 'open' and os.environ['TEADATA_HOME'] in str(arguments[0]):\n"
        "        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):\n"
        "            raise PermissionError('read-only')\n"
        "sys.addaudithook(hook)\n",
        1,
    )
    finished(start("small.npz", code=forbidden))
    assert path.is_file()
    assert sorted(remote.home().rglob("*")) == before


def test_importing_teadata_loads_nothing_of_it():
    code = "import sys, teadata; print(*sys.modules)"
    loaded = set(finished(start(code=code)).split())
    assert not loaded & {"requests", "urllib3", "filelock", "platformdirs", "rich"}
