"""Nothing is lost: kills, stop signals, damage to the journal."""

import random
import re
import signal
import time

import h5py
import numpy as np
import pytest

from conftest import JOB, assert_same, kill_tree

#: Enough tasks of some milliseconds that a kill falls into the middle of them.
LONG = JOB.replace("seeds: 6", "seeds: 30").replace("d: 300", "d: 600").replace("L: [2, 4]", "L: [2, 4, 8]")


def wait_for_journal(folder, size, timeout=60):
    journal = folder / "out.h5.journal"
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if journal.exists() and journal.stat().st_size > size:
            return
        time.sleep(0.005)
    raise AssertionError("no journal appeared")


@pytest.mark.parametrize("ranks", [None, 2])
def test_kill_9_of_everything_then_resume_gives_the_uninterrupted_file(sandbox, ranks):
    sandbox.write(LONG)
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    journal = sandbox.folder / "out.h5.journal"
    moment = random.Random(ranks or 1)
    for _ in range(3):
        process = sandbox.start("run", "job.yaml", ranks=ranks)
        # By progress, not by the clock: a fast machine would be through before a time of day came.
        wait_for_journal(sandbox.folder, moment.randrange(60_000) + (journal.stat().st_size if journal.exists() else 0))
        kill_tree(process)
        assert journal.exists(), "killed in the middle of the work"
    sandbox.run("run", "job.yaml", ranks=ranks)
    assert_same(sandbox.folder / "whole.h5", sandbox.folder / "out.h5")
    assert not (sandbox.folder / "out.h5.journal").exists()
    assert not (sandbox.folder / "out.h5.lock").exists()


def done_tasks(path):
    with h5py.File(path) as file:
        status = np.concatenate([file[method]["status"][()].ravel() for method in ("sgd", "overlap-chain", "ode")])
    assert set(np.unique(status)) == {0, 1}, "some done, some pending, nothing else"
    return np.count_nonzero(status == 1)


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("name", ["SIGUSR1", "SIGINT", "SIGTERM"])
def test_stop_signal_publishes_and_the_same_command_goes_on(sandbox, ranks, name):
    sandbox.write(LONG.replace("seeds: 30", "seeds: 5000"))
    # mpirun answers 1 for itself after INT and TERM; USR1 is passed on and the ranks' own code comes back.
    expected = {75} if ranks is None or name == "SIGUSR1" else {1, 75, 130, 143}
    done = 0
    for _ in range(2):
        process = sandbox.start("run", "job.yaml", ranks=ranks)
        journal = sandbox.folder / "out.h5.journal"
        wait_for_journal(sandbox.folder, 10_000 + (journal.stat().st_size if journal.exists() else 0))
        process.send_signal(getattr(signal, name))
        process.wait(timeout=20)
        assert process.returncode in expected, process.stderr.read()
        assert not (sandbox.folder / "out.h5.lock").exists()
        sandbox.run("status", "out.h5", code=75)
        sandbox.run("validate", "out.h5", code=75)
        before, done = done, done_tasks(sandbox.folder / "out.h5")
        assert done > before


def interrupted(sandbox):
    """Leaves a journal with some records and no running process."""
    sandbox.write(LONG)
    process = sandbox.start("run", "job.yaml")
    wait_for_journal(sandbox.folder, 100_000)
    kill_tree(process)
    return sandbox.folder / "out.h5.journal"


def test_torn_journal_tail_is_cut_off_and_reported(sandbox):
    journal = interrupted(sandbox)
    with open(journal, "r+b") as file:
        file.truncate(journal.stat().st_size - 5)
    done = sandbox.run("run", "job.yaml")
    assert re.search(r"cut off \d+ .*bytes", done.stderr)
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    assert_same(sandbox.folder / "whole.h5", sandbox.folder / "out.h5")


def test_flipped_bit_costs_one_record(sandbox):
    journal = interrupted(sandbox)
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 0x10
    journal.write_bytes(data)
    done = sandbox.run("run", "job.yaml")
    assert "damaged" in done.stderr
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    assert_same(sandbox.folder / "whole.h5", sandbox.folder / "out.h5")


def test_second_run_on_the_same_output_is_refused_with_the_holder(sandbox):
    sandbox.write(LONG.replace("seeds: 30", "seeds: 3000"))
    process = sandbox.start("run", "job.yaml")
    wait_for_journal(sandbox.folder, 0)
    try:
        done = sandbox.run("run", "job.yaml", code=2)
        assert str(process.pid) in done.stderr
    finally:
        kill_tree(process)


def test_file_is_whole_at_any_moment_of_a_run(sandbox):
    sandbox.write(LONG.replace("seeds: 30", "seeds: 5000"))
    process = sandbox.start("run", "job.yaml", ranks=2)
    seen = set()
    end = time.monotonic() + 120
    try:
        while len(seen) < 3 and time.monotonic() < end:
            path = sandbox.folder / "out.h5"
            if path.exists():
                with h5py.File(path) as file:
                    done = file["sgd/status"][()] == 1
                    overlap = file["sgd/overlap"][()]
                assert np.isfinite(overlap[done]).all()
                assert np.isnan(overlap[~done]).all()
                seen.add(int(done.sum()))
            time.sleep(0.05)
    finally:
        kill_tree(process)
    assert len(seen) >= 3, "the file was published while the run went on"


def test_unwritable_output_is_answered_before_any_work(sandbox):
    sandbox.write(JOB)
    done = sandbox.run("run", "job.yaml", "--output", "/proc/nowhere/out.h5", code=2)
    assert "/proc/nowhere" in done.stderr


def test_bad_job_under_mpirun_exits_2_on_all_ranks(sandbox):
    sandbox.write(JOB.replace("step_size", "step_sise"))
    done = sandbox.run("run", "job.yaml", ranks=2, code=2)
    assert done.stderr.count("step_sise") >= 1 and "step_size" in done.stderr
