"""The real binary under a real Slurm: a private cluster of two nodes on this host, for the whole session."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTBED = ROOT / "slurm" / "testbed"

# The helpers of Tests/Integration; their module is named conftest too, so it needs another name here.
_spec = importlib.util.spec_from_file_location("integration", ROOT / "Tests" / "Integration" / "conftest.py")
integration = importlib.util.module_from_spec(_spec)
sys.modules["integration"] = integration
_spec.loader.exec_module(integration)

BINARY = integration.BINARY
#: The same command line with models that fail in every way and take any time.
TESTBENCH = BINARY.with_name("dynsweep-testbench")
#: The same with MPICH instead of Open MPI.
MPICH_TESTBENCH = ROOT / ".build" / "mpich" / "release" / "dynsweep-testbench"

#: Tasks of a known time: the sweep takes about (count * milliseconds) / ranks.
WALKS = """
name: slurm test
model: trial
methods: [walk]
parameters:
  index: {{range: [0, {last}, 1]}}
  milliseconds: {milliseconds}
record: {{times: {{linspace: [0, 100, 3]}}}}
output: out.h5
"""

#: What Slurm calls a job that will not run any more.
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL"}


class Cluster:
    """The private cluster: its commands, its nodes, and what went wrong."""

    def __init__(self, exports: str) -> None:
        self.variables = dict(re.findall(r"^export (\w+)='?([^'\n]*)'?$", exports, re.MULTILINE))
        self.folder = pathlib.Path(self.variables["SLURM_CONF"]).parent

    def environment(self) -> dict[str, str]:
        return {**integration.environment(), **self.variables}

    def run(self, *command: object, cwd: pathlib.Path | None = None, code: int | None = 0) -> subprocess.CompletedProcess:
        done = subprocess.run(
            list(map(str, command)), cwd=cwd, env=self.environment(), capture_output=True, text=True, timeout=120
        )
        if code is not None:
            assert done.returncode == code, f"exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        return done

    def job(self, number: str) -> dict[str, str]:
        """What Slurm knows of a job: JobState, ExitCode, Restarts, ..."""
        text = self.run("scontrol", "show", "job", "-o", number).stdout
        return dict(re.findall(r"(\S+?)=(\S*)", text.splitlines()[0]))

    def wait(self, number: str, condition, what: str, timeout: float = 120) -> dict[str, str]:
        """The job's description as soon as `condition` holds for it."""
        end = time.monotonic() + timeout
        while True:
            job = self.job(number)
            if condition(job):
                return job
            assert time.monotonic() < end, f"not {what} after {timeout} s: {job}\n{self.logs(number)}"
            time.sleep(0.2)

    def wait_end(self, number: str, timeout: float = 180) -> dict[str, str]:
        return self.wait(number, lambda job: job["JobState"] in ENDED, "ended", timeout)

    def logs(self, number: str) -> str:
        path = pathlib.Path(self.job(number).get("StdOut", "none"))
        own = path.read_text() if path.exists() else "(no log)"
        return own + "\n" + "\n".join(
            "\n".join([f"== {log.name}", *log.read_text().splitlines()[-15:]])
            for log in sorted((self.folder / "log").glob("*.log"))
        )

    def kill_node(self, name: str) -> None:
        self.run(TESTBED / "node", "kill", name)

    def start_node(self, name: str) -> None:
        self.run(TESTBED / "node", "start", name)


class Desk(integration.Sandbox):
    """A folder with a job file, from which jobs are submitted."""

    def __init__(self, folder: pathlib.Path, cluster: Cluster) -> None:
        super().__init__(folder)
        self.cluster = cluster

    def dynsweep(self, *arguments: object, code: int | None = 0, binary: pathlib.Path = TESTBENCH):
        return self.cluster.run(binary, *arguments, cwd=self.folder, code=code)

    def submit(self, *arguments: object, job: str = "job.yaml", **options) -> str:
        """Submits and returns the job's number."""
        return self.dynsweep("submit", job, "--parsable", *arguments, **options).stdout.strip()

    def log(self, name: str = "out.log") -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""


def walks(count: int, milliseconds: int) -> str:
    return WALKS.format(last=count - 1, milliseconds=milliseconds)


#: A sweep of some seconds, which most tests interrupt in some way.
SWEEP = walks(50, 100)


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> pathlib.Path:
    """SWEEP computed without interruption, on one rank and without MPI."""
    sandbox = integration.Sandbox(tmp_path_factory.mktemp("whole"))
    sandbox.write(SWEEP)
    subprocess.run([TESTBENCH, "run", "job.yaml", "--quiet"], cwd=sandbox.folder, check=True, timeout=300)
    return sandbox.folder / "out.h5"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    done = subprocess.run([TESTBED / "up"], env=env, capture_output=True, text=True, timeout=120)
    if done.returncode == 2 and "Slurm already" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    cluster = Cluster(done.stdout)
    yield cluster
    subprocess.run([TESTBED / "down", cluster.folder], env=env, check=True, timeout=60)


@pytest.fixture
def desk(tmp_path, cluster):
    yield Desk(tmp_path, cluster)
    # A test that failed half way leaves nothing to the next one.
    cluster.run("scancel", "--full", "--signal=KILL", "--user", str(os.getuid()), code=None)
