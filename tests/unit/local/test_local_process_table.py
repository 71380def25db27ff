"""What the kernel says about processes; what is asked through psutil elsewhere agrees with it."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from fairway.targets.local import process_table
from fairway.targets.local.process_table import (
    INSTANCE_VARIABLE,
    TOKEN_VARIABLE,
    boot_id,
    is_running,
    look,
    marked,
    session_members,
)

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="compares with /proc")


INSTANCE = f"process-table-{os.getpid()}"
"""Other tests of the same run mark processes too."""


@pytest.fixture
def marked_process():
    marks = {INSTANCE_VARIABLE: INSTANCE, TOKEN_VARIABLE: "token"}
    with subprocess.Popen(
        ["sleep", "60"], env={**os.environ, **marks}, start_new_session=True
    ) as process:
        # `Popen` returns when the program's descriptors are closed, which is a moment before the
        # kernel shows the new environment: on a busy machine one look in fifteen saw none.
        while not psutil.Process(process.pid).environ():
            time.sleep(0.001)
        yield process
        process.kill()


def wait_for_end(process):
    process.kill()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        pass


def test_a_process_is_the_same_until_it_ends(marked_process):
    seen = look(marked_process.pid)
    assert seen == look(marked_process.pid)
    assert is_running(seen)
    wait_for_end(marked_process)
    assert look(marked_process.pid).zombie
    assert not is_running(seen)
    marked_process.wait()
    assert look(marked_process.pid) is None


def test_marks_are_found(marked_process):
    assert [(s.pid, token) for s, token in marked(INSTANCE)] == [(marked_process.pid, "token")]
    assert list(marked(f"{INSTANCE}-2")) == []


def test_we_and_our_ancestors_are_never_found():
    """Someone runs Fairway in a shell that is itself a service."""
    program = (
        "import os; from fairway.targets.local.process_table import marked\n"
        f"print([s.pid for s, _ in marked('{INSTANCE}-shell')], os.getpid())"
    )
    shell = subprocess.run(
        ["/bin/sh", "-c", '"$0" -c "$1"; true', sys.executable, program],
        env={**os.environ, INSTANCE_VARIABLE: f"{INSTANCE}-shell"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout.startswith("[] ")


def test_members_of_a_session(marked_process):
    assert [seen.pid for seen in session_members(marked_process.pid)] == [marked_process.pid]


def test_the_boot_has_a_name():
    assert boot_id() == boot_id() != ""


@linux
def test_other_systems_see_the_same(marked_process):
    pid = marked_process.pid
    other = process_table._look_with_psutil(pid)
    assert (other.pid, other.zombie) == (pid, look(pid).zombie)
    assert other == process_table._look_with_psutil(pid)
    assert process_table._token_with_psutil(pid, INSTANCE) == "token"
    assert process_table._token_with_psutil(pid, "another") is None
    wait_for_end(marked_process)
    assert process_table._look_with_psutil(pid).zombie
    marked_process.wait()
    assert process_table._look_with_psutil(pid) is None
    assert process_table._token_with_psutil(pid, INSTANCE) is None
