"""One command finishes all good tasks, whatever the bad ones do to their processes."""

import collections
import json
import os
import signal
import time

import h5py
import numpy as np
import pytest

from conftest import assert_same, descendants, kill_tree

PENDING, DONE, FAILED, DIVERGED, SUSPECT = 0, 1, 2, 3, 6

#: By index: 57 throws, 13 segfaults, 113 hangs, 213 allocates without end; all others are good.
MIXED = """
model: trial
methods: [walk]
parameters: {index: [0, 1, 2, 13, 57, 113, 213, 3, 4, 5], fate: mixed, milliseconds: 20}
seeds: 2
record: {times: [0, 10, 100]}
limits: {task_minutes: 0.01, task_memory: 300MB}
output: out.h5
"""

#: Some seconds of long tasks.
LONG = """
model: trial
methods: [walk]
parameters: {index: {range: [0, 3, 1]}, milliseconds: 1500, walkers: 100}
seeds: 1
record: {times: {linspace: [0, 1000, 11]}}
output: out.h5
"""


def read(path):
    with h5py.File(path) as file:
        group = file["walk"]
        return group["status"][()], group["error"].asstr()[()], group["position"][()]


@pytest.mark.parametrize("ranks", [1, 2])
def test_one_command_finishes_all_good_tasks_and_says_why_the_others_failed(bench, ranks):
    bench.write(MIXED)
    done = bench.run("run", "job.yaml", "-n", ranks, code=1)
    status, error, position = read(bench.folder / "out.h5")
    index = [0, 1, 2, 13, 57, 113, 213, 3, 4, 5]
    for row, number in enumerate(index):
        assert set(status[row]) == {FAILED if number in (13, 57, 113, 213) else DONE}
    assert all("took its process down twice" in text and "SIGSEGV" in text for text in error[index.index(13)])
    assert all("told to" in text for text in error[index.index(57)])
    assert all("limits.task_minutes" in text for text in error[index.index(113)])
    assert all("limits.task_memory" in text and "MB" in text for text in error[index.index(213)])
    assert "starting the ranks again" in done.stderr
    assert not list(bench.folder.glob("out.h5.*")), "no lock, journal or rank file is left"

    # The good ones are what they are without bad company.
    bench.run("run", "job.yaml", "--set", "parameters.index=[0,1,2,3,4,5]", "--output", "good.h5")
    _, _, good = read(bench.folder / "good.h5")
    assert position[[0, 1, 2, 7, 8, 9]].tobytes() == good.tobytes()


def test_every_way_to_die_is_survived_without_mpi_too(bench):
    bench.write(
        """
        model: trial
        methods: [walk]
        parameters: {fate: [done, segfault, trap, kill, diverge]}
        seeds: 1
        record: {times: [0, 10, 100]}
        output: out.h5
        """
    )
    bench.run("run", "job.yaml", "-n", 1, code=1)
    status, error, position = read(bench.folder / "out.h5")
    assert status[:, 0].tolist() == [DONE, FAILED, FAILED, FAILED, DIVERGED]
    assert "SIGSEGV" in error[1, 0]
    assert "failed check" in error[2, 0]
    assert "killed" in error[3, 0]
    assert "at step 50" in error[4, 0]
    assert np.isfinite(position[4, 0, :2]).all(), "what a diverged run observed before is kept"


@pytest.mark.parametrize("which", ["first", "last"])
def test_a_rank_killed_from_outside_costs_a_restart_not_the_run(bench, which):
    bench.write(LONG)
    bench.run("run", "job.yaml", "--output", "whole.h5")
    process = bench.start("run", "job.yaml", "-n", "2", "--checkpoint-every", "0.2")
    try:
        end = time.monotonic() + 60
        while len(list(bench.folder.glob("out.h5.rank-*"))) < 2:
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.02)
        time.sleep(0.5)
        children = descendants(process.pid)
        # The supervisor's child is mpirun; its children are the ranks.
        ranks = sorted(children[1:])
        victim = ranks[0] if which == "first" else ranks[-1]
        os.kill(victim, signal.SIGKILL)
        text = process.communicate(timeout=120)[1]
    finally:
        kill_tree(process)
    assert process.returncode == 0, text
    assert "starting the ranks again" in text and "suspect" in text
    assert_same(bench.folder / "whole.h5", bench.folder / "out.h5")


def test_under_a_plain_mpirun_the_same_command_by_hand_sets_the_bad_point_aside(bench):
    bench.write(MIXED.replace("[0, 1, 2, 13, 57, 113, 213, 3, 4, 5]", "[0, 13, 1]").replace("seeds: 2", "seeds: 1"))
    codes = []
    for _ in range(4):
        done = bench.run("run", "job.yaml", ranks=2, code=None)
        codes.append(done.returncode)
        if done.returncode == 1:
            break
        bench.run("status", "out.h5", code=None)
    assert codes[-1] == 1 and len(codes) == 3, codes
    status, _, _ = read(bench.folder / "out.h5")
    assert status[:, 0].tolist() == [DONE, FAILED, DONE]


def test_a_suspect_shows_in_status_until_it_is_cleared(bench):
    bench.write(MIXED.replace("[0, 1, 2, 13, 57, 113, 213, 3, 4, 5]", "[0, 13]").replace("seeds: 2", "seeds: 1"))
    bench.run("run", "job.yaml", code=-signal.SIGSEGV)
    # The next start finds the accused and does the rest first; it dies again over the suspect.
    bench.run("run", "job.yaml", code=-signal.SIGSEGV)
    done = bench.run("run", "job.yaml", code=1)
    assert "took its process down twice" in done.stderr
    assert "took its process down twice" in bench.run("status", "out.h5", code=1).stdout


def test_failed_tasks_are_retried_on_request_only(bench):
    bench.write(MIXED.replace("[0, 1, 2, 13, 57, 113, 213, 3, 4, 5]", "[0, 57]"))
    bench.run("run", "job.yaml", code=1)
    again = bench.run("run", "job.yaml", code=1)
    assert "ran " not in again.stderr
    retried = bench.run("run", "job.yaml", "--retry-failed", code=1)
    assert "ran 2 tasks" in retried.stderr


def test_ranks_that_cannot_start_are_given_up_with_a_word(bench):
    bench.write(LONG)
    done = bench.run("run", "job.yaml", "--launcher", "sh -c 'kill -9 $$'", code=70)
    assert done.stderr.count("starting the ranks again") == 2
    assert "giving up" in done.stderr
    missing = bench.run("run", "job.yaml", "--launcher", "no-such-launcher", code=70)
    assert "no-such-launcher" in missing.stderr


def lock_of_another_host(bench, since):
    """A lock as a rank 0 on another node would have left it."""
    lock = bench.folder / "out.h5.lock"
    lock.write_text(
        json.dumps(
            {
                "host": "elsewhere", "pid": 1, "processStart": 1, "bootID": "other", "jobID": "", "since": since,
                "token": "theirs",
            }
        )
    )
    return lock


def test_the_lock_of_a_rank_that_died_on_another_host_is_not_waited_for(bench):
    bench.write(LONG.replace("milliseconds: 1500", "milliseconds: 1"))
    # The first start leaves a lock and dies, the next ones run.
    lock_of_another_host(bench, "2999-01-01T00:00:00Z").rename(bench.folder / "left")
    launcher = "sh -c 'if mv left out.h5.lock; then kill -9 $$; else exec \"$@\"; fi' sh"
    done = bench.run("run", "job.yaml", "--launcher", launcher, timeout=60)
    assert done.stderr.count("starting the ranks again") == 1
    assert "waiting" not in done.stderr


def test_an_output_that_another_host_holds_is_refused_once_and_left_alone(bench):
    bench.write(LONG)
    lock = lock_of_another_host(bench, "2026-01-01T00:00:00Z")
    process = bench.start("run", "job.yaml", "-n", "1")
    try:
        while process.poll() is None:
            os.utime(lock)
            time.sleep(0.2)
        text = process.communicate()[1]
    finally:
        kill_tree(process)
    assert process.returncode == 2
    assert "elsewhere" in text and "starting the ranks again" not in text
    assert lock.exists()


@pytest.mark.parametrize("arguments", [("-n", "1"), ("-n", "2")])
def test_failed_tasks_are_said_on_one_line_with_quiet_too(bench, arguments):
    """Exit code 1 without a word left everybody guessing. What goes well is still not said."""
    bench.write(MIXED.replace("[0, 1, 2, 13, 57, 113, 213, 3, 4, 5]", "[0, 1, 2, 13]"))
    lines = bench.run("run", "job.yaml", "--quiet", *arguments, code=1).stderr.splitlines()
    assert len([line for line in lines if "6 of 8 tasks done, 2 failed" in line]) == 1, lines
    bench.write(MIXED.replace("[0, 1, 2, 13, 57, 113, 213, 3, 4, 5]", "[0, 1, 2]"))
    assert bench.run("run", "job.yaml", "--quiet", "--fresh", *arguments).stderr == ""


def test_any_launcher_will_do(bench):
    bench.write(MIXED.replace("[0, 1, 2, 13, 57, 113, 213, 3, 4, 5]", "[0, 1, 2, 13]"))
    bench.run("run", "job.yaml", "--launcher", "mpirun --quiet --oversubscribe --bind-to none -n 3", code=1)
    status, _, _ = read(bench.folder / "out.h5")
    assert collections.Counter(status.ravel().tolist()) == {DONE: 6, FAILED: 2}


@pytest.mark.parametrize("arguments", [(), ("-n", "1"), ("-n", "2")])
def test_first_interrupt_ends_in_order_and_the_second_at_once(bench, arguments):
    bench.write(LONG.replace("milliseconds: 1500", "milliseconds: 8000, deaf: true"))
    for interrupts in (1, 2):
        process = bench.start("run", "job.yaml", *arguments)
        try:
            end = time.monotonic() + 60
            while not list(bench.folder.glob("out.h5.rank-*")):
                assert time.monotonic() < end and process.poll() is None
                time.sleep(0.02)
            time.sleep(0.3)
            for _ in range(interrupts):
                process.send_signal(signal.SIGINT)
                time.sleep(0.05)
            process.wait(timeout=60)
        finally:
            kill_tree(process)
        assert process.returncode == 75
        # What is there can be read and gone on from.
        if (bench.folder / "out.h5").exists():
            bench.run("validate", "out.h5", code=75)
