"""An installation of several instruction levels: which program is started (Sources/LevelChooser)."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import h5py
import pytest

from conftest import BINARY, JOB, ROOT, Sandbox, environment

LEVELS = ["x86-64-v4+vaes", "x86-64-v4", "x86-64-v3+vaes", "x86-64-v3", "x86-64-v2", "x86-64"]

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="levels are of x86-64")


@pytest.fixture(scope="module")
def chooser(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("chooser") / "dynsweep"
    source = ROOT / "Sources" / "LevelChooser" / "main.c"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", path, source], check=True)
    return path


class Installation:
    """bin/dynsweep and, for each level, a program that says what it is."""

    def __init__(self, folder: pathlib.Path, chooser: pathlib.Path, levels: list[str]) -> None:
        self.program = folder / "bin" / "dynsweep"
        self.program.parent.mkdir()
        shutil.copy(chooser, self.program)
        self.libexec = folder / "libexec" / "dynsweep"
        for level in levels:
            self.place(level).write_text(f'#!/bin/sh\necho "{level}" "$@"\n')
            self.place(level).chmod(0o755)

    def place(self, level: str) -> pathlib.Path:
        path = self.libexec / level / "dynsweep"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def run(self, *arguments: str, cpu: str | None = None, level: str | None = None):
        line = [str(self.program), *arguments]
        if cpu is not None:
            line = ["qemu-x86_64", "-cpu", cpu, *line]
        env = environment()
        env.pop("DYNSWEEP_LEVEL", None)
        if level is not None:
            env["DYNSWEEP_LEVEL"] = level
        return subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def installation(tmp_path, chooser) -> Installation:
    return Installation(tmp_path, chooser, LEVELS)


@pytest.mark.parametrize(
    ("cpu", "level"), [("Haswell", "x86-64-v3"), ("Nehalem", "x86-64-v2"), ("qemu64", "x86-64"), ("core2duo", "x86-64")]
)
def test_the_best_level_of_the_processor_is_started(installation, cpu, level):
    done = installation.run("status", "a b", "", cpu=cpu)
    assert (done.returncode, done.stdout) == (0, f"{level} status a b \n")


def test_what_is_not_installed_is_passed_over(tmp_path, chooser):
    installation = Installation(tmp_path, chooser, ["x86-64-v4", "x86-64-v2"])
    assert installation.run("x", cpu="Haswell").stdout == "x86-64-v2 x\n"


def test_a_level_can_be_asked_for(installation):
    assert installation.run(level="x86-64-v2").stdout == "x86-64-v2\n"
    assert installation.run(cpu="Haswell", level="").stdout == "x86-64-v3\n"


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("x86-64-v4", "DYNSWEEP_LEVEL is x86-64-v4, which this processor does not have"),
        ("avx2", "DYNSWEEP_LEVEL is 'avx2', which is not among the levels that are installed"),
    ],
)
def test_a_level_that_cannot_be_had_is_an_error(installation, level, text):
    done = installation.run("x", cpu="Haswell", level=level)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr and "x86-64-v4 (not for this processor)" in done.stderr


def test_no_level_for_the_processor_is_an_error(tmp_path, chooser):
    done = Installation(tmp_path, chooser, ["x86-64-v3"]).run(cpu="Nehalem")
    assert done.returncode == 2 and "x86-64-v3 (not for this processor)" in done.stderr
    (tmp_path / "empty").mkdir()
    done = Installation(tmp_path / "empty", chooser, []).run()
    assert done.returncode == 2 and " none\n" in done.stderr


def test_the_program_starts_ranks_through_the_chooser(tmp_path, chooser):
    """So that every node chooses for itself, and a job script names what is to be started."""
    installation = Installation(tmp_path, chooser, [])
    sandbox = Sandbox(tmp_path)
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml", "--output", "plain.h5")
    with h5py.File(tmp_path / "plain.h5") as file:
        level = file.attrs["build_flags"].split()[0]
    installation.place(level).symlink_to(BINARY)
    sandbox.binary = installation.program

    sandbox.run("run", "job.yaml", "-n", 2)
    with h5py.File(tmp_path / "out.h5") as file, h5py.File(tmp_path / "plain.h5") as plain:
        assert file.attrs["builds"] == plain.attrs["builds"] and file.attrs["ranks"] == 2
    wrap = tmp_path / "wrap"
    wrap.write_text('#!/bin/sh\necho "$1" > started\nexec "$@"\n')
    wrap.chmod(0o755)
    sandbox.run("run", "job.yaml", "--output", "wrapped.h5", "--launcher", "./wrap")
    assert (tmp_path / "started").read_text() == f"{installation.program}\n"
    assert str(installation.program) in sandbox.run("submit", "job.yaml", "--dry-run", "--time", "10").stdout
    # The variable that says so is for one process: left over in the environment it changes nothing.
    left = {"DYNSWEEP_PROGRAM": f"1:{installation.program}"}
    sandbox.binary = BINARY
    sandbox.run("run", "job.yaml", "--output", "left.h5", "--launcher", "./wrap", env=left)
    assert (tmp_path / "started").read_text() == f"{BINARY.resolve()}\n"
