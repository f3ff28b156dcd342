"""Gradient dynamics with reused data: theory and simulations do not depend on ranks nor on being killed."""

import time

import h5py
import numpy as np
import pytest

from conftest import assert_same, kill_tree
from test_checkpoints import resumed, wait_for_rank_files

#: Both simulations and the theory, with every kind of state: masks with memory, probes, kernels.
JOB = """
model: dmft-gradient-dynamics
methods: [gd, sgd, dmft]
parameters:
  loss: tied-attention
  alpha: [1, 2]
  L: 2
  width: 2
  d: 150
  runs: 2
  step_size: 0.5
  init_overlap: 0.3
  batch_fraction: 0.5
  mask: persistent
  p_off: 0.3
  mc_samples: 2000
seeds: 3
record: {times: [0, 1, 5, 12], time_unit: steps, kernels: true}
output: out.h5
"""

#: Nothing is recorded between the first and the last step, so that who goes on does so in the middle of a trajectory.
SIZES = {
    "gd": ("parameters.d=700", "parameters.L=4", "record.times=[0, 800]"),
    "sgd": ("parameters.d=700", "parameters.L=4", "record.times=[0, 800]"),
    "dmft": ("parameters.mc_samples=8000", "record.times=[0, 200]"),
}


@pytest.fixture
def job(sandbox):
    sandbox.write(JOB)
    return sandbox


def test_same_bytes_for_any_number_of_ranks(job):
    job.run("run", "job.yaml", "--output", "alone.h5")
    for ranks in (1, 2, 4):
        job.run("run", "job.yaml", "--output", f"{ranks}.h5", ranks=ranks)
        assert_same(job.folder / "alone.h5", job.folder / f"{ranks}.h5")
    with h5py.File(job.folder / "alone.h5") as file:
        assert np.isfinite(file["dmft/Gamma"][()]).all() and (file["sgd/status"][()] == 1).all()


@pytest.mark.parametrize("method", SIZES)
def test_killed_in_the_middle_it_goes_on_to_the_same_bytes(job, method):
    long = [f"methods=[{method}]", "alpha=[2]", "seeds=2", *SIZES[method]]
    options = [word for change in long for word in ("--set", change)]
    job.run("run", "job.yaml", *options, "--output", "whole.h5")
    went_on = 0
    for ranks in (2, 1):
        process = job.start("run", "job.yaml", *options, "--checkpoint-every", "0.1", ranks=ranks)
        try:
            wait_for_rank_files(job.folder, 10_000, 1)
            time.sleep(0.1)
        finally:
            kill_tree(process)
        if not (job.folder / "out.h5.journal").exists():
            break
        went_on += 1
    done = job.run("run", "job.yaml", *options, ranks=4)
    assert went_on > 0 and resumed(done.stderr) > 0
    assert_same(job.folder / "whole.h5", job.folder / "out.h5")
