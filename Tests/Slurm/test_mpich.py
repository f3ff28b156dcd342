"""The binary that is built with MPICH, under MPICH's mpirun and under Slurm's pmi2."""

import subprocess

import pytest
from conftest import MPICH_TESTBENCH, TESTBENCH, integration, walks

assert_same = integration.assert_same
#: The binary with MPICH has the models for tests alone.
JOB = walks(40, 5)


def mpirun(desk, ranks, *arguments, binary=MPICH_TESTBENCH, code=0):
    return desk.cluster.run("mpirun.mpich", "-n", ranks, binary, *arguments, cwd=desk.folder, code=code)


@pytest.fixture
def alone(desk):
    """The job computed with the other binary, on one rank and without MPI."""
    desk.write(JOB)
    desk.dynsweep("run", "job.yaml", "--output", "alone.h5")
    return desk.folder / "alone.h5"


def test_it_is_linked_with_mpich_alone():
    libraries = subprocess.run(["ldd", MPICH_TESTBENCH], capture_output=True, text=True, check=True).stdout
    assert "libmpich" in libraries
    assert "libmpi.so" not in libraries


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_same_bytes_under_mpirun(desk, alone, ranks):
    done = mpirun(desk, ranks, "run", "job.yaml")
    assert f"on {ranks} rank" in done.stderr
    assert_same(alone, desk.folder / "out.h5")


def test_own_mpirun_restarts_ranks_that_die(desk):
    job = "model: trial\nmethods: [walk]\nparameters: {index: [0, 1, 2], fate: [done, segfault]}\n"
    desk.write(job + "record: {times: [0, 10, 20]}\noutput: out.h5\n")
    done = desk.dynsweep("run", "job.yaml", "-n", 2, binary=MPICH_TESTBENCH, code=1)
    assert "3 of 6 tasks done, 3 failed" in done.stderr


def test_two_nodes_under_slurm(desk, alone):
    number = desk.submit("-n", 4, "--nodes", 2, binary=MPICH_TESTBENCH)
    job = desk.cluster.wait_end(number)
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0"), desk.log()
    assert "srun --mpi=pmi2" in (desk.folder / "out.sbatch").read_text()
    assert "on 4 ranks" in desk.log()
    assert_same(alone, desk.folder / "out.h5")


def test_the_other_mpis_launcher_is_refused(desk):
    """Both ways: ranks that do not see each other would each run the whole sweep."""
    desk.write(JOB)
    assert "do not see each other" in mpirun(desk, 2, "run", "job.yaml", binary=TESTBENCH, code=2).stderr
    openmpi = ["mpirun", "--oversubscribe", "-n", 2, MPICH_TESTBENCH, "run", "job.yaml"]
    done = desk.cluster.run(*openmpi, cwd=desk.folder, code=2)
    assert "do not see each other" in done.stderr
    assert "MPICH" in done.stderr
    assert not (desk.folder / "out.h5").exists()
