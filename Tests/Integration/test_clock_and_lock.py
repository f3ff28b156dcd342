"""Clocks that jump, and locks that lie."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

import faults
from conftest import TESTBENCH, Sandbox, assert_same, kill_tree
from faults import Clock, Trial, rule
from test_disk import SHORT, SLOW, SLOWER, make_whole, wait_for_records

HOUR = 3600


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_whole(tmp_path_factory, SHORT)


@pytest.fixture
def trial(tmp_path, whole):
    return Trial(Sandbox(tmp_path, TESTBENCH), whole, SHORT)


@pytest.mark.parametrize("hours", [5, -5])
def test_the_wall_clock_jumps_during_a_run(trial, hours):
    """Nothing waits for it, least of all the journal's way to the disk."""
    trial.sandbox.write(SLOWER)
    trial.sandbox.run("run", "job.yaml", "--output", "whole.h5")
    clock, log = Clock(trial.folder / "clock"), trial.folder / "log"
    start = time.monotonic()
    process = trial.sandbox.start("run", "job.yaml", env=faults.environment_of(log=log, clock=clock))
    try:
        wait_for_records(trial, 5)
        clock.set(wall=hours * HOUR)
        syncs = log.read_text().count("sync 0 ")
        wait_for_records(trial, 20)
        assert log.read_text().count("sync 0 ") >= syncs + 2, "the journal is still made durable"
        clock.set(wall=-hours * HOUR)
        wait_for_records(trial, 30)
        clock.set()
        assert process.wait(timeout=60) == 0, process.stderr.read()
    finally:
        kill_tree(process)
    assert time.monotonic() - start < 60
    assert_same(trial.folder / "whole.h5", trial.file)


def holder(trial, **changes):
    """A lock file as a run of this machine writes it, with some fields of another."""
    process = trial.sandbox.start("run", "job.yaml", "--output", "other.h5", "--set", "milliseconds=1000")
    lock = trial.folder / "other.h5.lock"
    try:
        end = time.monotonic() + 30
        while not lock.exists() and time.monotonic() < end:
            time.sleep(0.01)
        fields = json.loads(lock.read_text())
    finally:
        kill_tree(process)
    for debris in trial.folder.glob("other.h5*"):
        debris.unlink()
    return fields | changes


@pytest.mark.parametrize(
    "changes",
    [{"pid": 4_194_999}, {"processStart": 1, "pid": os.getpid()}, {"bootID": "another boot"}, {}],
    ids=["of a dead pid", "of a pid used again", "of before the last boot", "of a killed run"],
)
def test_the_lock_of_a_dead_run_is_taken_at_once(trial, changes):
    (trial.folder / "out.h5.lock").write_text(json.dumps(holder(trial, **changes)))
    start = time.monotonic()
    trial.finish()
    assert time.monotonic() - start < 20


def test_the_lock_of_a_dead_run_that_nobody_has_buried_is_taken_at_once(trial):
    """A zombie still has its number; where process 1 reaps no orphans it has it for ever."""
    fields = holder(trial)
    zombie = subprocess.Popen(["true"])
    stat = pathlib.Path(f"/proc/{zombie.pid}/stat")
    while stat.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        time.sleep(0.01)
    start = int(stat.read_text().rsplit(")", 1)[1].split()[19])
    (trial.folder / "out.h5.lock").write_text(json.dumps(fields | {"pid": zombie.pid, "processStart": start}))
    assert "waiting" not in trial.finish().stderr
    zombie.wait()


@pytest.mark.parametrize("content", [b"", b"garbage", b"\0" * 100, b"{}", b'{"host": "x"}', b"\xff" * 100_000])
def test_a_lock_file_that_says_nothing_is_replaced(trial, content):
    (trial.folder / "out.h5.lock").write_bytes(content)
    trial.finish()


def test_a_lock_that_cannot_be_read_is_respected(trial):
    lock = trial.folder / "out.h5.lock"
    lock.write_text(json.dumps(holder(trial)))
    done = trial.run(rule(call="look", path="out.h5.lock", do="EACCES"), code=2)
    assert "out.h5.lock': Permission denied" in done.stderr
    assert lock.exists() and not trial.journal.exists()


def test_what_a_run_left_that_died_while_it_took_the_lock_is_cleared(trial):
    trial.run(rule(call="link", path=".lock", do="kill-before"), code=-9)
    assert len(list(trial.folder.glob("out.h5.lock.*"))) == 1
    trial.finish()


def watch(trial, *, sleep, touches, jump):
    """Starts a run on an output that is locked from another host; the lock is touched and the clock is moved meanwhile."""
    lock = trial.folder / "out.h5.lock"
    lock.write_text(json.dumps(holder(trial, host="elsewhere")))
    clock = Clock(trial.folder / "clock")
    process = trial.sandbox.start("run", "job.yaml", env=faults.environment_of(clock=clock, sleep=sleep))
    try:
        time.sleep(1)
        clock.set(wall=jump, monotonic=max(0, jump))
        if touches:
            time.sleep(1)
            os.utime(lock)
        process.wait(timeout=120)
    finally:
        kill_tree(process)
    clock.path.unlink()
    return process, lock


@pytest.mark.parametrize("jump", [10 * HOUR, -10 * HOUR])
def test_a_living_holder_elsewhere_is_respected_whatever_the_clock_says(trial, jump):
    process, lock = watch(trial, sleep=1, touches=True, jump=jump)
    words = process.stderr.read()
    assert process.returncode == 2, words
    assert "waiting up to 75 s" in words and "on elsewhere" in words and "delete" in words
    assert lock.exists()


@pytest.mark.parametrize("jump", [0, -10 * HOUR])
def test_a_silent_holder_elsewhere_is_replaced_in_the_end(trial, jump):
    process, _ = watch(trial, sleep=0.05, touches=False, jump=jump)
    assert process.returncode == 0, process.stderr.read()
    trial.finish()


def test_a_holder_that_was_suspended_for_too_long_writes_nothing_more(trial):
    """Another host took the lock meanwhile and goes on with the journal."""
    trial.sandbox.write(SLOW)
    clock = Clock(trial.folder / "clock")
    process = trial.sandbox.start("run", "job.yaml", env=faults.environment_of(clock=clock))
    try:
        wait_for_records(trial, 5)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        lock = trial.folder / "out.h5.lock"
        lock.write_text(json.dumps(json.loads(lock.read_text()) | {"host": "elsewhere", "token": "theirs"}))
        before = trial.journal.read_bytes()
        clock.set(wall=100, monotonic=100)
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=60) == 70
    finally:
        kill_tree(process)
    assert "took it over" in process.stderr.read()
    assert trial.journal.read_bytes() == before
    assert json.loads(lock.read_text())["token"] == "theirs", "their lock is left alone"
