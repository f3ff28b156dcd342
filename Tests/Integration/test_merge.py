"""Grids computed apart, by shards or by jobs of their own, and merged."""

import os
import re
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from conftest import JOB, assert_same, contents, kill_tree

#: Shards of this job take long enough to run side by side, and to be killed.
LONG = JOB.replace("d: 300", "d: 1500").replace("seeds: 6", "seeds: 8")


def finish(process: subprocess.Popen, code: int = 0) -> str:
    _, text = process.communicate(timeout=300)
    assert process.returncode == code, text
    return text


@pytest.fixture
def whole(sandbox):
    """The job computed in one go."""
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    return sandbox.folder / "whole.h5"


def names(sandbox) -> set[str]:
    return {path.name for path in sandbox.folder.iterdir()}


@pytest.mark.parametrize("seeds", ["seeds: 6", "seeds: {sem: {overlap: 0.02}, min: 2, max: 6}"])
def test_shards_run_side_by_side_merge_into_the_whole(sandbox, seeds):
    sandbox.write(JOB.replace("seeds: 6", seeds))
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    running = [
        sandbox.start("run", "job.yaml", "--shard", f"{index}/3", ranks=ranks)
        for index, ranks in [(1, None), (2, 2), (3, 1)]
    ]
    texts = [finish(process) for process in running]
    for index, text in enumerate(texts, 1):
        assert f"share {index} of 3" in text
    shards = [f"out.shard-{index}-of-3.h5" for index in (1, 2, 3)]
    assert names(sandbox) == {"job.yaml", "whole.h5", *shards}, "a share that is complete leaves one file"
    status = sandbox.run("status", shards[0], code=75)
    assert "pending" in status.stdout
    done = sandbox.run("merge", *shards, "-o", "out.h5", "--remove-inputs")
    assert "pending" not in done.stderr
    assert names(sandbox) == {"job.yaml", "whole.h5", "out.h5"}
    assert_same(sandbox.folder / "out.h5", sandbox.folder / "whole.h5")
    sandbox.run("validate", "out.h5")


def test_shards_leave_out_what_the_merged_file_has(sandbox, whole):
    small = JOB.replace("L: [2, 4]", "L: [4]")
    sandbox.write(small, "small.yaml")
    sandbox.run("run", "small.yaml")
    # 26 of the 52 tasks are in out.h5; the shards have the rest.
    counts = []
    for index in (1, 2):
        text = sandbox.run("run", "job.yaml", "--shard", f"{index}/2").stderr
        counts.append(int(re.search(rf"share {index} of 2: (\d+) of 52 tasks", text).group(1)))
        assert f"share {index} of 2: {counts[-1]} of {counts[-1]} tasks done" in text
    assert sum(counts) == 26
    shards = [f"out.shard-{index}-of-2.h5" for index in (1, 2)]
    with h5py.File(sandbox.folder / shards[0]) as file:
        assert np.all(file["sgd/status"][:, 1] == 0), "what out.h5 has is not computed again"
    sandbox.run("merge", "out.h5", *shards, "-o", "out.h5")
    assert_same(sandbox.folder / "out.h5", whole)


def test_a_shard_goes_on_where_it_was_killed(sandbox):
    sandbox.write(LONG)
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    process = sandbox.start("run", "job.yaml", "--shard", "1/2", ranks=2)
    journal = sandbox.folder / "out.shard-1-of-2.h5.journal"
    end = time.time() + 60
    while time.time() < end and not (journal.exists() and journal.stat().st_size > 20_000):
        time.sleep(0.005)
    kill_tree(process)
    process.stderr.close()
    killed = sandbox.run("merge", "out.shard-1-of-2.h5", "-o", "partial.h5")
    assert "pending" in killed.stderr, "it was killed before its end"
    again = sandbox.run("run", "job.yaml", "--shard", "1/2")
    assert "done before" in again.stderr
    rest = sandbox.run("run", "job.yaml", "--shard", "1/2")
    assert "34 of them done before" in rest.stderr
    sandbox.run("run", "job.yaml", "--shard", "2/2")
    sandbox.run("merge", "out.shard-2-of-2.h5", "out.shard-1-of-2.h5", "partial.h5", "-o", "out.h5")
    assert_same(sandbox.folder / "out.h5", sandbox.folder / "whole.h5")


def test_bad_shards_are_refused(sandbox):
    sandbox.write(JOB)
    for text in ["0/2", "3/2", "two", "1/0"]:
        assert "--shard" in sandbox.run("run", "job.yaml", "--shard", text, code=2).stderr
    assert names(sandbox) == {"job.yaml"}


def test_other_values_and_seeds_merge_into_the_union(sandbox):
    sandbox.write(JOB.replace("L: [2, 4]", "L: [2, 4, 8]"))
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    sandbox.write(JOB.replace("out.h5", "a.h5"), "a.yaml")
    sandbox.write(JOB.replace("L: [2, 4]", "L: [8]").replace("out.h5", "b.h5"), "b.yaml")
    sandbox.run("run", "a.yaml")
    sandbox.run("run", "b.yaml", ranks=2)
    done = sandbox.run("merge", "b.h5", "a.h5", "-o", "c.h5")
    assert "L=[2, 4, 8]" in done.stderr
    assert_same(sandbox.folder / "c.h5", sandbox.folder / "whole.h5")
    with h5py.File(sandbox.folder / "c.h5") as file:
        assert "merged" in file.attrs["history"]
        assert file.attrs["overrides"].splitlines()[-1] == "output=c.h5"

    # The merged file goes on, with values more.
    before = contents(sandbox.folder / "c.h5")
    sandbox.run("run", "job.yaml", "--output", "c.h5")
    assert contents(sandbox.folder / "c.h5") == before
    more = ["--set", "L=[2, 4, 8, 16]"]
    assert "78 of them done before" in sandbox.run("run", "job.yaml", "--output", "c.h5", *more).stderr
    sandbox.run("run", "job.yaml", "--output", "more.h5", *more)
    assert_same(sandbox.folder / "c.h5", sandbox.folder / "more.h5")


def test_what_cannot_be_joined_is_refused_by_name(sandbox, whole):
    sandbox.run("run", "job.yaml", "--set", "step_size=0.25", "--output", "other.h5")
    done = sandbox.run("merge", "whole.h5", "other.h5", "-o", "c.h5", code=2)
    assert "step_size" in done.stderr and "0.25" in done.stderr
    done = sandbox.run("merge", "whole.h5", "nothing.h5", "-o", "c.h5", code=2)
    assert "nothing.h5" in done.stderr
    done = sandbox.run("merge", "whole.h5", "-o", "other.h5", code=2)
    assert "--fresh" in done.stderr
    damaged = bytearray(whole.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (sandbox.folder / "damaged.h5").write_bytes(damaged)
    done = sandbox.run("merge", "whole.h5", "damaged.h5", "-o", "c.h5", code=2)
    assert "damaged.h5" in done.stderr
    assert names(sandbox) == {"job.yaml", "whole.h5", "other.h5", "damaged.h5"}


def test_a_job_can_say_what_the_union_is(sandbox, whole):
    sandbox.write(JOB.replace("L: [2, 4]", "L: [1, 2, 4, 8]"), "wide.yaml")
    done = sandbox.run("merge", "whole.h5", "-o", "wide.h5", "--job", "wide.yaml")
    assert "52 pending" in done.stderr
    sandbox.run("run", "wide.yaml", "--output", "wide.h5")
    sandbox.run("run", "wide.yaml", "--output", "once.h5")
    assert_same(sandbox.folder / "wide.h5", sandbox.folder / "once.h5")


def test_two_runs_on_one_output(sandbox):
    sandbox.write(LONG)
    first = sandbox.start("run", "job.yaml")
    end = time.time() + 60
    while time.time() < end and not (sandbox.folder / "out.h5.lock").exists():
        time.sleep(0.005)
    # Stopped, it lives as long as the test wants.
    os.kill(first.pid, signal.SIGSTOP)
    second = sandbox.run("run", "job.yaml", code=2)
    assert f"process {first.pid} on" in second.stderr and "--shard" in second.stderr
    kill_tree(first)
    first.stderr.close()
    third = sandbox.run("run", "job.yaml")
    assert "68 of 68 tasks done" in third.stderr
