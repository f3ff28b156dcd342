"""Which program made which numbers. The testbench is another build of the same models."""

from __future__ import annotations

import re
import struct
import subprocess
import zlib

import h5py
import numpy as np
import pytest

from conftest import BINARY, TESTBENCH, JOB, Sandbox, assert_same, environment

MORE = JOB.replace("seeds: 6", "seeds: 8")


@pytest.fixture
def other(sandbox: Sandbox) -> Sandbox:
    """The other build, in the same folder."""
    return Sandbox(sandbox.folder, TESTBENCH)


def builds(path) -> list[str]:
    with h5py.File(path) as file:
        return file.attrs["builds"].split("\n")


def test_a_file_says_which_build_made_which_number(sandbox, other):
    out = sandbox.folder / "out.h5"
    sandbox.write(JOB)
    first = sandbox.run("run", "job.yaml", "-n", 2)
    assert "build" not in first.stderr
    (one,) = builds(out)
    assert re.fullmatch(
        r"[0-9a-f]{8} version \S+, commit [0-9a-f]{12}(\+changes)?, \S+ release, libc \S+, openblas OpenBLAS \S+, \w+ kernels, "
        r"sundials \S+, program [0-9a-f]{16}",
        one,
    ) or "commit unknown" in one
    with h5py.File(out) as file:
        assert all(set(np.unique(file[method]["build"])) == {0} for method in ("sgd", "overlap-chain", "ode"))
        assert f"build {one[:8]}" in file.attrs["history"]

    # Growing with another build says so once, and the file tells them apart.
    sandbox.write(MORE)
    second = other.run("run", "job.yaml")
    assert second.stderr.count("--same-build refuses to mix them") == 1
    assert one[:8] in second.stderr
    two = builds(out)
    assert len(two) == 2 and two[0] == one
    with h5py.File(out) as file:
        assert (file["sgd/build"][..., :6] == 0).all() and (file["sgd/build"][..., 6:] == 1).all()
        assert (file["ode/build"][...] == 0).all()
        counts = [sum((file[m]["build"][...] == k).sum() for m in ("sgd", "overlap-chain", "ode")) for k in (0, 1)]
    for command in ("status", "validate"):
        shown = sandbox.run(command, "out.h5").stdout
        for count, line in zip(counts, two, strict=True):
            assert f"{count} tasks computed by build {line}" in shown
        assert ("warning: a build with uncommitted changes" in shown) == any("+changes" in line for line in two)
    sandbox.write(MORE.replace("seeds: 8", "seeds: 9"))
    third = other.run("run", "job.yaml", "-n", 2)
    assert "--same-build" not in third.stderr, "said once"

    # The numbers are the same all the same.
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    assert_same(out, sandbox.folder / "whole.h5")


@pytest.mark.parametrize("ranks", [(), ("-n", 2)])
def test_same_build_refuses_to_mix(sandbox, other, ranks):
    out = sandbox.folder / "out.h5"
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml", "--same-build", *ranks)
    before = out.read_bytes()
    sandbox.write(MORE)
    refused = other.run("run", "job.yaml", "--same-build", *ranks, code=2)
    assert "--same-build was asked for" in refused.stderr and builds(out)[0][:8] in refused.stderr
    assert out.read_bytes() == before
    assert sorted(path.name for path in sandbox.folder.iterdir()) == ["job.yaml", "out.h5"]
    sandbox.run("run", "job.yaml", "--same-build", *ranks)
    assert len(builds(out)) == 1


def test_an_interrupted_run_goes_on_with_another_build(sandbox, other):
    """What is known of builds is in the journal too."""
    sandbox.write(JOB.replace("d: 300", "d: 1500").replace("seeds: 6", "seeds: 40"))
    process = sandbox.start("run", "job.yaml")
    journal = sandbox.folder / "out.h5.journal"
    while not (journal.exists() and journal.stat().st_size > 40_000):
        assert process.poll() is None
    process.kill()
    process.wait()
    (sandbox.folder / "out.h5").unlink(missing_ok=True)
    done = other.run("run", "job.yaml")
    assert done.stderr.count("--same-build refuses to mix them") == 1
    with h5py.File(sandbox.folder / "out.h5") as file:
        assert set(np.unique(file["sgd/build"])) == {0, 1}
    assert len(builds(sandbox.folder / "out.h5")) == 2


def test_merging_keeps_the_builds(sandbox, other):
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml", "--shard", "1/2")
    other.run("run", "job.yaml", "--shard", "2/2")
    shards = ["out.shard-1-of-2.h5", "out.shard-2-of-2.h5"]
    done = sandbox.run("merge", *shards, "-o", "out.h5")
    assert "of 2 builds" in done.stderr
    lines = [builds(sandbox.folder / shard)[0] for shard in shards]
    assert builds(sandbox.folder / "out.h5") == lines
    with h5py.File(sandbox.folder / "out.h5") as merged:
        for place, shard in enumerate(shards):
            with h5py.File(sandbox.folder / shard) as part:
                for method in ("sgd", "overlap-chain", "ode"):
                    is_own = part[method]["status"][...] == 1
                    assert is_own.any() and (merged[method]["build"][...][is_own] == place).all()
    sandbox.run("validate", "out.h5")


def test_results_of_before_builds_are_taken_over(sandbox):
    """A file without builds: nothing says what made it, and that is said."""
    out = sandbox.folder / "out.h5"
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml")
    strip_builds(out)
    assert "sound" in sandbox.run("validate", "out.h5").stdout
    sandbox.write(MORE)
    done = sandbox.run("run", "job.yaml")
    assert "of a version that did not note its build" in done.stderr
    with h5py.File(out) as file:
        assert (file["sgd/build"][..., :6] == -1).all() and (file["sgd/build"][..., 6:] == 0).all()


def strip_builds(path) -> None:
    """Makes the file one of a version without builds, seal included."""
    with h5py.File(path, "a") as file:
        del file.attrs["builds"]
        del file.attrs["checksum"]
        for method in ("sgd", "overlap-chain", "ode"):
            del file[method]["build"]
    seal(path)


def seal(path) -> None:
    """Ends the file as the program does: magic, length, CRC-32, magic."""
    whole = path.read_bytes()
    magic = 0x4C41_4553_5357_5944
    path.write_bytes(whole + struct.pack("<4Q", magic, len(whole), zlib.crc32(whole), magic))


def test_ranks_of_two_builds_are_refused(sandbox):
    sandbox.write(JOB)
    line = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "1", str(BINARY), "run", "job.yaml"]
    line += [":", "-n", "1", str(TESTBENCH), "run", "job.yaml"]
    done = subprocess.run(
        line, cwd=sandbox.folder, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert "all ranks of a run must be one program" in done.stderr
    assert not (sandbox.folder / "out.h5").exists()


def test_blas_kernels_are_those_of_the_build(sandbox):
    """Whatever the environment says: they sum in different orders, and numbers would depend on the node."""
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml", env={"OPENBLAS_CORETYPE": "Sandybridge"})
    sandbox.run("run", "job.yaml", "--output", "plain.h5", "-n", 2)
    assert builds(sandbox.folder / "out.h5") == builds(sandbox.folder / "plain.h5")
    assert_same(sandbox.folder / "out.h5", sandbox.folder / "plain.h5")
