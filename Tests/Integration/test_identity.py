"""The numbers do not depend on how they were computed."""

import h5py
import numpy as np
import pytest

from conftest import JOB, assert_same, contents


@pytest.fixture
def reference(sandbox):
    """The job run alone, without MPI."""
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml", "--output", "alone.h5")
    return sandbox.folder / "alone.h5"


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_same_bytes_for_any_number_of_ranks(sandbox, reference, ranks):
    sandbox.run("run", "job.yaml", "--output", "ranks.h5", ranks=ranks)
    assert_same(reference, sandbox.folder / "ranks.h5")


def test_own_mpirun_gives_the_same_bytes(sandbox, reference):
    sandbox.run("run", "job.yaml", "-n", 2, "--output", "own.h5")
    assert_same(reference, sandbox.folder / "own.h5")
    with h5py.File(sandbox.folder / "own.h5") as file:
        assert set(np.unique(file["sgd/mpi_rank"])) == {0, 1}, "both ranks computed"


def test_extended_grid_computes_only_what_is_missing_and_gives_the_same_bytes(sandbox, reference):
    small = JOB.replace("L: [2, 4]", "L: 4").replace("seeds: 6", "seeds: 3")
    sandbox.write(small, "small.yaml")
    sandbox.run("run", "small.yaml", "--output", "grown.h5")
    with h5py.File(sandbox.folder / "grown.h5") as file:
        before = file["sgd/wall_seconds"][()]
    done = sandbox.run("run", "job.yaml", "--output", "grown.h5", ranks=2)
    assert "done before" in done.stderr
    assert_same(reference, sandbox.folder / "grown.h5")
    with h5py.File(sandbox.folder / "grown.h5") as file:
        # Axes (student, L, seed): the old tasks kept their wall times, so they were not run again.
        after = file["sgd/wall_seconds"][()]
        assert np.array_equal(after[:, 1, :3], before.reshape(2, 3))


def test_running_again_changes_nothing(sandbox, reference):
    before = reference.read_bytes()
    sandbox.run("run", "job.yaml", "--output", "alone.h5")
    assert reference.read_bytes() == before


def test_fresh_moves_the_old_file_aside(sandbox, reference):
    before = contents(reference)
    sandbox.run("run", "job.yaml", "--output", "alone.h5", "--fresh")
    aside = [path for path in sandbox.folder.iterdir() if path.name.startswith("alone.h5.")]
    assert len(aside) == 1
    assert contents(aside[0]) == before == contents(reference)


def test_finished_sweep_is_one_file(sandbox, reference):
    assert sorted(path.name for path in sandbox.folder.iterdir()) == ["alone.h5", "job.yaml"]


def test_incompatible_change_is_refused_with_the_difference(sandbox, reference):
    before = reference.read_bytes()
    done = sandbox.run("run", "job.yaml", "--output", "alone.h5", "--set", "L=[2]", code=2)
    assert "L" in done.stderr and "4" in done.stderr
    done = sandbox.run("run", "job.yaml", "--output", "alone.h5", "--set", "step_size=0.25", code=2)
    assert "step_size" in done.stderr and "0.5" in done.stderr and "0.25" in done.stderr
    done = sandbox.run("run", "job.yaml", "--output", "alone.h5", "--set", "record.times=[0, 5]", code=2)
    assert "times" in done.stderr
    assert reference.read_bytes() == before, "a refused job leaves the file as it was"
