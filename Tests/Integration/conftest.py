"""The real binary, as a user runs it: alone, under mpirun, killed, resumed."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import textwrap

import h5py
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / ".build" / "release" / "dynsweep"
#: The same command line over models that fail in every way (Tests/Testbench).
TESTBENCH = BINARY.with_name("dynsweep-testbench")

#: What a computation may leave different: when, where and how fast a task ran, and by which program.
TIMING = {"wall_seconds", "mpi_rank", "build"}

#: A job of a few seconds with simulations, theory, two axes and a group without time.
JOB = """
name: engine-test
model: sequence-single-index
methods: [sgd, overlap-chain, ode]
parameters:
  d: 300
  student: [tied, untied]
  L: [2, 4]
  target: inversesqrtsum
  activation: relu
  step_size: 0.5
  init: overlapped
  init_scale: 0.2
seeds: 6
record:
  times: {linspace: [0, 10, 11]}
  time_unit: t
output: out.h5
"""


def environment() -> dict[str, str]:
    """The caller's environment, fit for mpirun as root and for more ranks than cores."""
    env = dict(os.environ)
    env["OMPI_ALLOW_RUN_AS_ROOT"] = env["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    return env


class Sandbox:
    """A folder with a job file in it, and the binary to run on it."""

    def __init__(self, folder: pathlib.Path, binary: pathlib.Path = BINARY) -> None:
        self.folder = folder
        self.binary = binary

    def write(self, text: str, name: str = "job.yaml") -> pathlib.Path:
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        return path

    def command(self, *arguments: object, ranks: int | None = None) -> list[str]:
        line = [str(self.binary), *map(str, arguments)]
        if ranks is not None:
            line = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *line]
        return line

    def run(
        self, *arguments: object, ranks: int | None = None, code: int | None = 0, timeout: float = 300,
        env: dict[str, str] | None = None,
    ):
        done = subprocess.run(
            self.command(*arguments, ranks=ranks), cwd=self.folder, env=environment() | (env or {}),
            capture_output=True, text=True, timeout=timeout,
        )
        if code is not None:
            assert done.returncode == code, f"exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        return done

    def start(
        self, *arguments: object, ranks: int | None = None, env: dict[str, str] | None = None
    ) -> subprocess.Popen:
        """Starts in a process group of its own, so that a test can kill all of it."""
        return subprocess.Popen(
            self.command(*arguments, ranks=ranks), cwd=self.folder, env=environment() | (env or {}),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )


@pytest.fixture
def sandbox(tmp_path: pathlib.Path) -> Sandbox:
    return Sandbox(tmp_path)


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Sandbox:
    """A sandbox for the models that fail in every way."""
    return Sandbox(tmp_path, TESTBENCH)


def descendants(pid: int) -> list[int]:
    """The processes below a process, as far as their parents live."""
    parents: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found = list(parents.get(pid, []))
    for child in found:
        found += parents.get(child, [])
    return found


def kill_tree(process: subprocess.Popen) -> None:
    """SIGKILL for the process and all its descendants: mpirun gives each rank a process group of its own."""
    doomed = [process.pid, *descendants(process.pid)] if process.poll() is None else []
    for pid in doomed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()


def contents(path: pathlib.Path) -> dict[str, bytes]:
    """The bytes of every dataset but the timing ones, by name."""
    found: dict[str, bytes] = {}

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and name.rsplit("/", 1)[-1] not in TIMING:
            value = item[()]
            if item.dtype.kind == "O":
                found[name] = repr(np.asarray(value).tolist()).encode()
            else:
                found[name] = np.asarray(value).tobytes()

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    assert found
    return found


def assert_same(left: pathlib.Path, right: pathlib.Path) -> None:
    """Fails unless both files hold the same datasets with the same bytes."""
    a, b = contents(left), contents(right)
    assert a.keys() == b.keys()
    different = [name for name in a if a[name] != b[name]]
    assert not different, f"datasets differ: {different}"
