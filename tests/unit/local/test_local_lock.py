"""The lock: one holder, named, and free as soon as the holder is dead."""

import os
import signal
import subprocess
import sys

import pytest

from fairway.errors import Conflict
from fairway.targets.local.lock import Holder, held_by, hold

ME = Holder(os.getpid(), 1.5, "fairway up")


def test_a_second_holder_is_told_who_is_first(tmp_path):
    with hold(tmp_path / "lock", ME):
        assert held_by(tmp_path / "lock") == ME
        second = hold(tmp_path / "lock", ME)
        with pytest.raises(Conflict, match=f"process {os.getpid()}") as caught:
            second.__enter__()
    assert "fairway down" in caught.value.remedy


def test_released_means_gone(tmp_path):
    for _ in range(2):
        with hold(tmp_path / "lock", ME):
            pass
        assert held_by(tmp_path / "lock") is None
        assert not (tmp_path / "lock").exists()


def test_an_error_inside_releases_it(tmp_path):
    with pytest.raises(ZeroDivisionError), hold(tmp_path / "lock", ME):
        _ = 1 / 0
    with hold(tmp_path / "lock", ME):
        pass


def test_the_lock_of_a_killed_holder_is_free(tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from fairway.targets.local.lock import Holder, hold\n"
        "with hold(Path(sys.argv[1]), Holder(7, 0.0, 'other')):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert held_by(path) == Holder(7, 0.0, "other")
        holder.send_signal(signal.SIGKILL)
    assert path.exists()
    assert held_by(path) is None
    with hold(path, ME):
        assert held_by(path) == ME


def test_a_holder_that_has_not_written_yet_still_counts(tmp_path):
    path = tmp_path / "lock"
    with hold(path, ME):
        os.truncate(path, 0)
        assert held_by(path) == Holder(0, 0.0, "starting")
