"""Disks that are full, read-only, slow or gone: what is said, and that the same command then ends as if nothing had been."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import time

import pytest

import faults
from conftest import TESTBENCH, Sandbox, assert_same, environment, kill_tree
from faults import Trial, rule

SHORT = """
model: trial
methods: [walk]
parameters: {index: {range: [0, 11, 1]}}
seeds: 4
record: {times: [0, 5, 10]}
output: out.h5
"""

#: A second on one rank, and some seconds: longer than it takes to the first publishing.
SLOW = SHORT.replace("range: [0, 11, 1]}", "range: [0, 11, 1]}, milliseconds: 20")
SLOWER = SLOW.replace("milliseconds: 20", "milliseconds: 60")


def make_whole(factory, job):
    sandbox = Sandbox(factory.mktemp("whole"), TESTBENCH)
    sandbox.write(job)
    sandbox.run("run", "job.yaml")
    return sandbox.folder / "out.h5"


@pytest.fixture(scope="module")
def short_whole(tmp_path_factory):
    return make_whole(tmp_path_factory, SHORT)


@pytest.fixture(scope="module")
def slow_whole(tmp_path_factory):
    return make_whole(tmp_path_factory, SLOW)


@pytest.fixture
def short(tmp_path, short_whole):
    return Trial(Sandbox(tmp_path, TESTBENCH), short_whole, SHORT)


@pytest.fixture
def slow(tmp_path, slow_whole):
    return Trial(Sandbox(tmp_path, TESTBENCH), slow_whole, SLOW)


FULL = "No space left on device"

#: What fails, with which exit code, and what is said of it.
REFUSALS = {
    "journal full": (rule(call="write", path=".journal", bytes=3000, do="ENOSPC"), 70, f"cannot write .*journal.*{FULL}"),
    "journal full at once": (rule(call="write", path=".journal", do="ENOSPC"), 2, f"cannot write .*journal.*{FULL}"),
    "quota": (rule(call="write", path=".journal", bytes=3000, do="EDQUOT"), 70, "journal.*Disk quota exceeded"),
    "no room to publish": (rule(call="write", path=".publishing", bytes=9000, do="ENOSPC"), 70, f"publishing.*{FULL}"),
    "quota to publish": (rule(call="write", path=".publishing", do="EDQUOT"), 70, "publishing.*Disk quota exceeded"),
    "no room for the journal's start": (
        rule(call="write", path=".journal.new", bytes=100, do="ENOSPC"), 2, f"journal.new.*{FULL}"),
    "no room for the lock": (rule(call="write", path="", do="ENOSPC"), 2, f"lock.*{FULL}"),
    "read-only from the start": (rule(call="any", path="", do="EROFS"), 2, "Read-only file system"),
    "no lock may be made": (rule(call="link", path=".lock", do="EACCES"), 2, "cannot create the lock.*Permission denied"),
    "publishing forbidden": (rule(call="open", path=".publishing", do="EROFS"), 70, "publishing.*Read-only file system"),
    "renaming refused": (rule(call="rename", path="out.h5", do="EROFS"), 70, "rename.*Read-only file system"),
    "sync of the journal fails": (rule(call="sync", path=".journal", after=1, do="EIO"), 70, "cannot sync.*Input/output"),
    "sync of the file fails": (rule(call="sync", path=".publishing", do="EIO"), 70, "cannot sync.*Input/output error"),
    "truncating fails": (rule(call="truncate", path=".publishing", do="EIO"), 70, "publishing.*Input/output error"),
    "journal cannot be removed": (rule(call="unlink", path=".journal", do="EROFS"), 70, "cannot remove.*Read-only"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_the_disk_refuses_is_said_and_nothing_is_lost(short, name):
    fault, code, words = REFUSALS[name]
    done = short.run(fault, code=code)
    assert re.search(words, done.stderr), done.stderr
    if code == 70:
        assert "once the cause is gone the same command goes on" in done.stderr
    assert not (short.folder / "out.h5.lock").exists()
    short.finish()


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_full_disk_ends_all_ranks_and_nothing_is_lost(slow, ranks):
    done = slow.run(rule(call="write", path=".journal", bytes=3500, do="ENOSPC"), code=70, ranks=ranks)
    assert FULL in done.stderr
    slow.finish(ranks)


def test_the_disk_may_fill_at_any_byte_of_the_result_file(short):
    """HDF5 itself crashes when one of its writes fails."""
    for bytes_before in range(0, 80_000, 2500):
        done = short.run(rule(call="write|truncate", path=".publishing", bytes=bytes_before, do="ENOSPC"), code=None)
        assert done.returncode in (0, 70), f"after {bytes_before} bytes: exit {done.returncode}"
        if done.returncode == 0:
            break
        assert FULL in done.stderr
        assert not short.file.exists() and short.journal.exists()
    else:
        raise AssertionError("it never fitted")
    assert bytes_before > 10_000
    assert_same(short.whole, short.file)


def test_a_run_goes_on_while_it_cannot_publish(slow):
    """The journal has room, the result file has none for a while."""
    slow.sandbox.write(SLOWER)
    slow.sandbox.run("run", "job.yaml", "--output", "whole.h5")
    full = slow.folder / "full"
    full.touch()
    process = slow.sandbox.start(
        "run", "job.yaml", env=faults.environment_of(rule(call="write", path=".publishing", when=full, do="ENOSPC")))
    try:
        # The first attempt to publish comes two seconds after the start.
        wait_for_records(slow, 47)
        assert not slow.file.exists()
        full.unlink()
        assert process.wait(timeout=60) == 0, process.stderr.read()
    finally:
        kill_tree(process)
    assert_same(slow.folder / "whole.h5", slow.file)


@pytest.mark.parametrize("do", ["EINTR", "short"])
def test_interrupted_and_short_calls_are_gone_on_with(short, do):
    calls = "write" if do == "short" else "write|sync|truncate|open|look"
    short.run(*(rule(call=calls, path=path, times=12, do=do) for path in (".journal", ".publishing", ".new", ".lock")))
    short.finish()


def wait_for_records(trial, count, folder=None, timeout=60):
    journal = (folder or trial.folder) / "out.h5.journal"
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if journal.exists() and len(faults.done_tasks(data := journal.read_bytes())) >= count:
            return faults.done_tasks(data)
        time.sleep(0.01)
    raise AssertionError("the run did not begin")


def test_a_disk_that_becomes_read_only_while_the_run_goes_on(slow):
    flag = slow.folder / "read-only"
    names = (".journal", ".publishing", "out.h5", ".lock")
    env = faults.environment_of(*(rule(path=name, when=flag, do="EROFS") for name in names))
    process = slow.sandbox.start("run", "job.yaml", env=env)
    try:
        before = wait_for_records(slow, 3)
        flag.touch()
        assert process.wait(timeout=60) == 70
    finally:
        kill_tree(process)
    assert "Read-only file system" in process.stderr.read()
    flag.unlink()
    assert set(before) <= set(faults.done_tasks(slow.journal.read_bytes()))
    slow.finish()


@pytest.mark.parametrize("fate", ["renamed", "removed"])
def test_an_output_folder_that_goes_away(slow, fate):
    inside = slow.folder / "inside"
    job = (slow.folder / "job.yaml").read_text().replace("out.h5", "inside/out.h5")
    (slow.folder / "job.yaml").write_text(job)
    process = slow.sandbox.start("run", "job.yaml")
    try:
        before = wait_for_records(slow, 3, inside)
        if fate == "renamed":
            inside.rename(slow.folder / "moved")
        else:
            shutil.rmtree(inside)
        assert process.wait(timeout=60) == 70
    finally:
        kill_tree(process)
    words = process.stderr.read()
    if fate == "renamed":
        assert "move it back" in words
        (slow.folder / "moved").rename(inside)
    else:
        assert "was removed" in words and "anew" in words
    journal = inside / "out.h5.journal"
    assert set(before) <= set(faults.done_tasks(journal.read_bytes())), "what was done is there"
    slow.kept.hardlink_to(journal)
    slow.sandbox.run("run", "job.yaml")
    assert_same(slow.whole, inside / "out.h5")
    assert len(set(done := faults.done_tasks(slow.kept.read_bytes()))) == len(done) == 48


def test_a_limit_on_the_size_of_files(short):
    """`ulimit -f` sends a signal that ends a process which does not ask for it."""
    done = subprocess.run(
        ["prlimit", "--fsize=3000", TESTBENCH, "run", "job.yaml"], cwd=short.folder, env=environment(),
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 70 and "journal': File too large" in done.stderr, done.stderr
    short.finish()


#: Runs in a mount namespace of its own: a small disk, filled so far that neither journal nor result file fits.
SMALL_DISK = """
import os, shutil, subprocess, sys
binary, job, result = sys.argv[1:]
os.makedirs("disk")
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", "disk"], check=True)
os.chdir("disk")
shutil.copy(job, "job.yaml")

def run(free, code):
    with open("filler", "wb") as filler:
        filler.write(bytes(max(0, shutil.disk_usage(".").free - free)))
    done = subprocess.run([binary, "run", "job.yaml"], capture_output=True, text=True)
    os.remove("filler")
    print(free, done.returncode, done.stderr)
    assert done.returncode == code, (free, done.returncode)
    return done.stderr

assert "No space left on device" in run(0, 2)
assert "journal': No space left on device" in run(300_000, 70)
assert "publishing': No space left on device" in run(900_000, 70)
run(4_000_000, 0)
shutil.copy("out.h5", result)
"""


def test_a_small_disk_that_is_really_full(tmp_path):
    enter = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    probe = subprocess.run([*enter, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"no disk may be mounted here: {probe.stderr.strip()}")
    sandbox = Sandbox(tmp_path, TESTBENCH)
    job = sandbox.write(SHORT.replace("[0, 5, 10]", "{linspace: [0, 2000, 2001]}"))
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    done = subprocess.run(
        [*enter, sys.executable, "-c", textwrap.dedent(SMALL_DISK), TESTBENCH, job, tmp_path / "out.h5"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(tmp_path / "whole.h5", tmp_path / "out.h5")
