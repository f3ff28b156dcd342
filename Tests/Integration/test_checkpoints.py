"""Long tasks go on where they were, bit for bit, on any number of ranks."""

import re
import signal
import time

import pytest

from conftest import assert_same, kill_tree

#: Real models whose tasks run for a second or more, so that every stop meets them half way.
REAL = """
model: sequence-single-index
methods: [sgd, overlap-chain]
parameters:
  d: 400
  student: [tied, untied, attention]
  L: 3
  target: inversesqrtsum
  activation: relu
  step_size: 0.2
  init: overlapped
  init_scale: 0.2
per_method: {overlap-chain: {d: [20000]}}
seeds: 1
record: {times: {linspace: [0, 1500, 6]}, time_unit: t}
output: out.h5
"""

WALK = """
model: trial
methods: [walk]
parameters: {index: {range: [0, 2, 1]}, milliseconds: 2500, walkers: 50}
seeds: 1
record: {times: {linspace: [0, 1000, 11]}}
output: out.h5
"""


def wait_for_rank_files(folder, bytes_each, count, timeout=60):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        files = list(folder.glob("out.h5.rank-*"))
        if sum(file.stat().st_size > bytes_each for file in files) >= count:
            return
        time.sleep(0.02)
    raise AssertionError("no rank file holds a checkpoint")


def resumed(text):
    found = re.search(r"(\d+) tasks? goe?s? on from", text)
    return int(found.group(1)) if found else 0


@pytest.mark.parametrize("ranks", [("-n", "2"), ()])
def test_a_stop_saves_what_is_under_way_and_any_rank_count_goes_on(bench, ranks):
    bench.write(WALK)
    bench.run("run", "job.yaml", "--output", "whole.h5")
    process = bench.start("run", "job.yaml", *ranks)
    wait_for_rank_files(bench.folder, 0, len(ranks) or 1)
    time.sleep(1)
    process.send_signal(signal.SIGUSR1)
    process.wait(timeout=60)
    assert process.returncode == 75
    done = bench.run("run", "job.yaml", "-n", "3" if not ranks else "1")
    assert resumed(done.stderr) == (len(ranks) or 1)
    assert_same(bench.folder / "whole.h5", bench.folder / "out.h5")
    assert not list(bench.folder.glob("out.h5.*"))


def test_real_models_killed_without_warning_go_on_from_their_last_checkpoint(sandbox):
    sandbox.write(REAL)
    sandbox.run("run", "job.yaml", "--output", "whole.h5", ranks=2)
    taken = 0
    for _ in range(3):
        process = sandbox.start("run", "job.yaml", "--checkpoint-every", "0.1", ranks=2)
        try:
            wait_for_rank_files(sandbox.folder, 4096, 1)
            time.sleep(0.3)
        finally:
            kill_tree(process)
        if not (sandbox.folder / "out.h5.journal").exists():
            break
        taken += len(list(sandbox.folder.glob("out.h5.rank-*")))
    done = sandbox.run("run", "job.yaml")
    assert taken > 0 and resumed(done.stderr) > 0
    assert_same(sandbox.folder / "whole.h5", sandbox.folder / "out.h5")


def test_checkpoints_survive_a_grown_grid(bench):
    bench.write(WALK)
    process = bench.start("run", "job.yaml", "-n", "2", "--checkpoint-every", "0.2")
    try:
        wait_for_rank_files(bench.folder, 4096, 2)
    finally:
        kill_tree(process)
    grown = ("--set", "parameters.index=[7, 2, 1, 0]", "--set", "seeds=2", "--set", "parameters.milliseconds=2500")
    done = bench.run("run", "job.yaml", *grown)
    assert resumed(done.stderr) == 2
    bench.run("run", "job.yaml", *grown, "--output", "whole.h5", ranks=2)
    assert_same(bench.folder / "whole.h5", bench.folder / "out.h5")


def test_damaged_checkpoints_cost_their_tasks_a_new_beginning_only(bench):
    bench.write(WALK)
    bench.run("run", "job.yaml", "--output", "whole.h5", ranks=2)
    process = bench.start("run", "job.yaml", "-n", "2", "--checkpoint-every", "0.2")
    try:
        wait_for_rank_files(bench.folder, 4096, 2)
    finally:
        kill_tree(process)
    for number, file in enumerate(sorted(bench.folder.glob("out.h5.rank-*"))):
        data = bytearray(file.read_bytes())
        if number == 0:
            data[4096:] = bytes(len(data) - 4096)
        else:
            data = data[:1000]
        file.write_bytes(data)
    done = bench.run("run", "job.yaml", ranks=2)
    assert resumed(done.stderr) == 0
    assert_same(bench.folder / "whole.h5", bench.folder / "out.h5")


def test_fresh_forgets_checkpoints(bench):
    bench.write(WALK)
    process = bench.start("run", "job.yaml", "--checkpoint-every", "0.2")
    try:
        wait_for_rank_files(bench.folder, 4096, 1)
    finally:
        kill_tree(process)
    done = bench.run("run", "job.yaml", "--fresh")
    assert resumed(done.stderr) == 0
