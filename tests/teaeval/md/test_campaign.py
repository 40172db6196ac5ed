"""A campaign does all it can, goes on where it was left, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from teadata.errors import DataError, MissingExtraError, TeaError, UsageError
from teaeval import md
from teaeval.md import campaign

WORK = '''
import os
import sys
import time
from pathlib import Path

from teadata.errors import MissingExtraError

FOLDER = Path(__file__).parent


def work(item, progress):
    """Leave a file; the item "lacks" finds a package missing, "waits" takes for ever."""
    progress(f"at {item}", 1, 2)
    if item == "lacks":
        raise MissingExtraError("xtb", "build", "this item")
    if item == "waits":
        (FOLDER / f"{os.getpid()}.pid").touch()
        time.sleep(600)
    (FOLDER / item).touch()
    return item.upper()


if __name__ == "__main__":
    from teaeval.md import campaign

    import items

    campaign.carry_out(items.work, {"0": "waits", "1": "waits"}, 2)
'''


@pytest.fixture
def items(tmp_path, monkeypatch):
    """The module of work, in a folder that is on the path, also of processes."""
    (tmp_path / "items.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("items", None)
    import items

    return items


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_one_does_not_stop_the_others(items, tmp_path, processes):
    told = []
    names = {"first": "a", "second": "lacks", "third": "b"}
    with pytest.raises(MissingExtraError, match=r"'xtb'.*\[build\]"):
        campaign.carry_out(items.work, names, processes, progress=lambda *now: told.append(now[1:]))
    assert (tmp_path / "a").exists()
    assert (tmp_path / "b").exists()
    shares = [done / total for done, total in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    del names["second"]
    found = campaign.carry_out(items.work, names, processes)
    assert list(found.items()) == [("first", "A"), ("third", "B")]


def alive(pid: int) -> bool:
    """Whether there is such a process; one that only waits to be buried is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux for processes")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(items, tmp_path, how):
    started = subprocess.Popen([sys.executable, items.__file__], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(pids := [int(p.stem) for p in tmp_path.glob("*.pid")]) < 2:
        assert started.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started.send_signal(how)
    assert started.wait(30) != 0
    deadline = time.monotonic() + 30
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_process_that_is_killed_is_reported(items, tmp_path):
    (tmp_path / "killed.py").write_text(
        "import os, signal\n\ndef work(item, progress):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    import killed

    with pytest.raises(TeaError, match="a process was killed, perhaps for want of memory"):
        campaign.carry_out(killed.work, {"0": 0, "1": 1}, 2)


def test_a_folder_is_of_one_plan(tmp_path):
    def shared(settings):
        return settings.model_dump(exclude={"steps"})

    def prepare(settings, first=None):
        campaign.prepare(tmp_path / "out", settings, shared, "simulations", first)

    def impossible():
        raise UsageError("no such calculator")

    with pytest.raises(UsageError, match="no such calculator"):
        prepare(md.Settings(), impossible)
    assert not (tmp_path / "out").exists()
    prepare(md.Settings())
    prepare(md.Settings(steps=200), impossible)  # asked of new folders only
    assert "200" in (tmp_path / "out/plan.json").read_text()
    with pytest.raises(UsageError, match=r"simulations of another plan: seed 0, now 1; choose"):
        prepare(md.Settings(seed=1))
    (tmp_path / "out/plan.json").write_text("{")
    with pytest.raises(DataError, match="not a plan of simulations"):
        prepare(md.Settings())
    (tmp_path / "out/plan.json").rename(tmp_path / "out/thesis.tex")
    with pytest.raises(UsageError, match="is not a folder of simulations"):
        prepare(md.Settings())
    (tmp_path / "out/300K").mkdir()
    (tmp_path / "out/300K/plan.json").touch()
    with pytest.raises(UsageError, match=r"out: holds folders of simulations \(300K\) and is not"):
        prepare(md.Settings())
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be made"):
        campaign.prepare(tmp_path / "file/out", md.Settings(), shared, "simulations")


def test_replicas_share_the_cores(items, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (Path(items.__file__).parent / "threads.py").write_text(
        'import os\n\ndef work(item, progress):\n    return os.environ["OMP_NUM_THREADS"]\n'
    )
    import threads

    found = campaign.carry_out(threads.work, {"0": 0, "1": 1}, 2)
    assert set(found.values()) == {str(max(1, (os.cpu_count() or 1) // 2))}
    assert "OMP_NUM_THREADS" not in os.environ
