"""A run knows when it must have left, and leaves before."""

import time

import pytest

from conftest import assert_same

WALK = """
model: trial
methods: [walk]
parameters: {index: {range: [0, 3, 1]}, milliseconds: 3000, walkers: 50}
seeds: 1
record: {times: {linspace: [0, 1000, 11]}}
output: out.h5
"""


@pytest.mark.parametrize("ranks", [(), ("-n", "2")])
@pytest.mark.parametrize("source", ["option", "slurm"])
def test_a_deadline_stops_the_run_in_time_and_the_next_one_goes_on(bench, source, ranks):
    bench.write(WALK)
    limit = 4
    arguments, env = [], {}
    if source == "option":
        arguments = ["--until", f"{limit}s"]
    else:
        env = {"SLURM_JOB_END_TIME": str(int(time.time()) + limit)}
    done = bench.run("run", "job.yaml", *ranks, *arguments, env=env, code=75)
    assert "the time is up" in done.stderr
    bench.run("status", "out.h5", code=75)
    bench.run("run", "job.yaml", "-n", "2")
    bench.run("run", "job.yaml", "--output", "whole.h5", ranks=2)
    assert_same(bench.folder / "whole.h5", bench.folder / "out.h5")


def test_a_deadline_that_has_passed_stops_before_any_work(bench):
    bench.write(WALK)
    done = bench.run("run", "job.yaml", "--until", "0s", code=75)
    assert "0 of 4 tasks done" in done.stderr


@pytest.mark.parametrize("text", ["2020-01-31T18:00", "2020-01-31 18:00"])
def test_a_date_that_is_past_is_refused(bench, text):
    bench.write(WALK)
    assert "is past" in bench.run("run", "job.yaml", f"--until={text}", code=2).stderr


def test_the_end_of_an_allocation_that_is_over_is_ignored(bench):
    """A shell that outlived its allocation: its variables stopped every run before the first task."""
    bench.write(WALK.replace("milliseconds: 3000", "milliseconds: 10"))
    done = bench.run("run", "job.yaml", env={"SLURM_JOB_END_TIME": "1600000000"})
    assert "SLURM_JOB_END_TIME is past" in done.stderr and "4 of 4 tasks done" in done.stderr
    for text in ("inf", "-inf", "nan", "1e300", "-1", "soon", ""):
        bench.run("run", "job.yaml", "--fresh", env={"SLURM_JOB_END_TIME": text})


def test_a_deadline_says_who_set_it(bench):
    bench.write(WALK)
    done = bench.run("run", "job.yaml", env={"SLURM_JOB_END_TIME": str(time.time() + 1)}, code=75)
    assert "the time is up (SLURM_JOB_END_TIME" in done.stderr
    assert "the time is up (--until)" in bench.run("run", "job.yaml", "--until", "0s", code=75).stderr


@pytest.mark.parametrize("text", ["tomorrow", "25:00", "12h30", "2026-13-01T10:00", "-5s", ""])
def test_what_is_no_time_is_refused(bench, text):
    bench.write(WALK)
    done = bench.run("run", "job.yaml", f"--until={text}", code=2)
    assert "18:00" in done.stderr


def test_processes_that_do_not_see_each_other_are_refused_with_what_to_do(bench):
    bench.write(WALK)
    env = {"SLURM_STEP_ID": "0", "SLURM_PROCID": "1", "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4"}
    done = bench.run("run", "job.yaml", env=env, code=2)
    assert "srun --mpi=pmix" in done.stderr and "4" in done.stderr
    assert not (bench.folder / "out.h5.journal").exists()
