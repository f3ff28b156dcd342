"""Result files made by the real binary, once a session."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import h5py
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / ".build" / "release" / "dynsweep"
#: The same command line over models that exist for tests (Tests/Testbench).
TESTBENCH = BINARY.with_name("dynsweep-testbench")

#: Two axes (one of words), a simulation, its chain and a theory that is the same for every d.
CURVES = """
name: curves
model: sequence-single-index
methods: [sgd, overlap-chain, ode]
parameters:
  d: 100
  student: [tied, untied]
  L: [2, 4, 8]
  target: inversesqrtsum
  step_size: 0.4
  init_scale: 0.3
seeds: {count: 5, base: 3}
record:
  time_unit: t
  times: {linspace: [0, 8, 33]}
  observables: [overlap, overlap_vec, weak_recovery_time]
output: curves.h5
figure: {x: time, y: overlap, hue: student, panels: L}
"""

#: A phase diagram: codes over two long axes, without time and without seeds.
MAP = """
name: map
model: sequence-single-index
methods: [closed-form]
parameters:
  L: 2
  student: attention
  target: positional_semantic
  step_size: 0.05
  a: {linspace: [0.7, 1.0, 25]}
  omega: {linspace: [0.4, 1.0, 31]}
output: map.h5
figure: {x: a, y: region, hue: omega}
"""

#: A log-spaced axis, and what exists only over all seeds.
FRACTION = """
name: fraction
model: sequence-single-index
methods: [overlap-chain]
parameters:
  d: 50
  L: 2
  student: attention
  target: positional_semantic
  step_size: {logspace: [0.1, 0.8, 4]}
  omega: [0.4, 0.9]
  m0: 0
  e0: 0
seeds: 8
record:
  time_unit: t
  times: [10, 40]
  observables: [overlap, semantic, semantic_fraction]
output: fraction.h5
"""


#: An observable over two times, with a dimension of its own.
KERNEL = """
name: kernel
model: trial
methods: [walk, sampled]
parameters: {index: [0, 1], walkers: 3}
seeds: 4
per_method: {sampled: {seeds: 2}}
record: {times: {range: [0, 30, 2]}, kernels: true}
output: kernel.h5
"""


def environment() -> dict[str, str]:
    """Return an environment in which the examples of the documentation work."""
    import sys

    env = dict(os.environ)
    env["PATH"] = os.pathsep.join(
        [str(BINARY.parent), str(pathlib.Path(sys.executable).parent), env.get("PATH", "")]
    )
    env["OMPI_ALLOW_RUN_AS_ROOT"] = env["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    # Rooms smaller than the examples' two ranks are no reason to fail.
    env["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
    return env


def run(
    job: str,
    folder: pathlib.Path,
    *arguments: str,
    binary: pathlib.Path = BINARY,
    count: int | None = 1,
) -> pathlib.Path:
    """Run a job in a folder and return its result file, the only one there (or any, without)."""
    (folder / "job.yaml").write_text(job)
    done = subprocess.run(
        [binary, "run", "job.yaml", "--quiet", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    files = list(folder.glob("*.h5"))
    assert count in (None, len(files))
    return files[0]


@pytest.fixture(scope="session")
def curves_file(tmp_path_factory) -> pathlib.Path:
    return run(CURVES, tmp_path_factory.mktemp("curves"))


@pytest.fixture(scope="session")
def map_file(tmp_path_factory) -> pathlib.Path:
    return run(MAP, tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="session")
def fraction_file(tmp_path_factory) -> pathlib.Path:
    return run(FRACTION, tmp_path_factory.mktemp("fraction"))


@pytest.fixture(scope="session")
def kernel_file(tmp_path_factory) -> pathlib.Path:
    return run(KERNEL, tmp_path_factory.mktemp("kernel"), binary=TESTBENCH)


@pytest.fixture
def partial_file(curves_file, tmp_path) -> pathlib.Path:
    """Return a file as a run leaves it halfway: some tasks pending, one failed, one diverged.

    Of (tied, L = 2) seeds 0 and 1 are missing, of (untied, L = 8) all but one.
    """
    path = tmp_path / "partial.h5"
    shutil.copy(curves_file, path)
    with h5py.File(path, "r+") as file:
        group = file["sgd"]
        status = group["status"][()]
        status[0, 0, 0], status[0, 0, 1] = 2, 3
        status[1, 2, 1:] = 0
        group["status"][...] = status
        for name in ("overlap", "overlap_vec", "weak_recovery_time"):
            values = group[name][()]
            values[status == 0] = np.nan
            group[name][...] = values
    return path
