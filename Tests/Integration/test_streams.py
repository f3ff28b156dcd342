"""Standard streams that are closed, full, or that nobody reads any more."""

from __future__ import annotations

import itertools
import subprocess

import pytest

from conftest import TESTBENCH, Sandbox, assert_same, environment

JOB = """
name: streams
model: sequence-single-index
methods: [sgd, ode]
parameters: {d: 50, L: [2, 4], step_size: 0.1}
seeds: 3
record: {times: {linspace: [0, 200, 5]}}
output: out.h5
"""
#: Every command but `run`, with what it needs.
COMMANDS = [
    "models", "models sequence-single-index", "status out.h5", "validate out.h5", "plan job.yaml", "plan job.yaml --ranks 4",
    "export out.h5 --csv --method sgd", "submit job.yaml --dry-run --time 10", "--help", "--version", "help run", "run --help",
]


def shell(sandbox: Sandbox, line: str) -> subprocess.CompletedProcess:
    """Runs a line of bash in which $D is the program."""
    env = environment() | {"D": str(sandbox.binary)}
    return subprocess.run(
        ["bash", "-c", line], cwd=sandbox.folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def done(sandbox: Sandbox) -> Sandbox:
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml", "--output", "whole.h5")
    return sandbox


CLOSED = [" ".join(some) for count in (1, 2, 3) for some in itertools.combinations(["<&-", ">&-", "2>&-"], count)]


@pytest.mark.parametrize("closed", CLOSED)
@pytest.mark.parametrize("ranks", ["", "-n 1", "-n 2"])
def test_closed_streams_do_no_harm(done, closed, ranks):
    """Descriptor 2 was the journal once, and log lines overwrote it."""
    assert shell(done, f"$D run job.yaml {ranks} {closed}").returncode == 0
    assert_same(done.folder / "out.h5", done.folder / "whole.h5")
    assert "sound and complete" in done.run("validate", "out.h5").stdout


@pytest.mark.parametrize("command", ["merge whole.h5 -o out.h5", *COMMANDS])
def test_commands_with_closed_streams(done, command):
    done.run("run", "job.yaml")
    for closed in CLOSED:
        result = shell(done, f"rm -f merged.h5; $D {command.replace('-o out.h5', '-o merged.h5')} {closed}")
        assert result.returncode == 0, (closed, result.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_cannot_be_written_is_an_error(done, command):
    done.run("run", "job.yaml")
    result = shell(done, f"$D {command} > /dev/full")
    assert result.returncode == 70
    assert "cannot write to standard output: No space left on device" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_enough_is_no_error(done, command):
    done.run("run", "job.yaml")
    result = shell(done, f"$D {command} | true; echo ${{PIPESTATUS[0]}}")
    # As it ends everything else, or before the program had written.
    assert result.stdout in ("141\n", "0\n") and "error" not in result.stderr


@pytest.mark.parametrize("ranks", ["", "-n 1", "-n 2"])
@pytest.mark.parametrize("log", ["2>&1 | true", "2>&1 | head -n 1", "2>/dev/full", "2>>/dev/full >/dev/full"])
def test_a_log_that_cannot_be_written_ends_no_run(done, ranks, log):
    result = shell(done, f"$D run job.yaml {ranks} --log-level debug {log}; exit ${{PIPESTATUS[0]}}")
    assert result.returncode == 0, result.stderr
    assert_same(done.folder / "out.h5", done.folder / "whole.h5")
    assert sorted(path.name for path in done.folder.iterdir()) == ["job.yaml", "out.h5", "whole.h5"]


@pytest.mark.parametrize("ranks", ["", "-n 1", "-n 2"])
def test_a_log_that_cannot_be_written_blames_no_task(sandbox, ranks):
    """Twice over: a task in whose flight its process dies for the second time is set aside as failed."""
    sandbox.binary = TESTBENCH
    sandbox.write(JOB.replace("linspace: [0, 200, 5]", "linspace: [0, 20000, 5]"))
    for _ in range(2):
        assert shell(sandbox, f"$D run job.yaml {ranks} --log-level debug 2>>/dev/full").returncode == 0
    assert "failed" not in sandbox.run("validate", "out.h5").stdout
    assert sandbox.run("status", "out.h5").returncode == 0


def test_export_to_standard_output_by_name(done):
    plain = done.run("export", "whole.h5", "--csv", "--method", "ode").stdout
    for name in ("-", "/dev/stdout"):
        assert done.run("export", "whole.h5", "--csv", "--method", "ode", "-o", name).stdout == plain
    assert not (done.folder / "-").exists()


@pytest.mark.parametrize("target", ["whole.h5", "other.h5", "link.h5", "journal", "/dev/full", "folder"])
def test_export_writes_over_no_results(done, target):
    done.run("run", "job.yaml", "--output", "other.h5")
    (done.folder / "link.h5").symlink_to("whole.h5")
    (done.folder / "folder").mkdir()
    (done.folder / "journal").write_bytes(b"")
    process = done.start("run", "job.yaml", "--set", "d=3000", "--set", "seeds=60", "--output", "long.h5")
    while not ((done.folder / "long.h5.journal").exists() and (done.folder / "long.h5.journal").stat().st_size > 20_000):
        assert process.poll() is None
    process.kill()
    process.wait()
    (done.folder / "journal").write_bytes((done.folder / "long.h5.journal").read_bytes())
    files = {path: path.read_bytes() for path in done.folder.iterdir() if path.is_file()}
    result = done.run("export", "whole.h5", "--csv", "--method", "sgd", "-o", target, code=2)
    assert target in result.stderr or "whole.h5" in result.stderr
    assert {path: path.read_bytes() for path in done.folder.iterdir() if path.is_file()} == files


@pytest.mark.parametrize("line", ["true", "echo", "sh -c 'exit 0'"])
def test_a_launcher_that_starts_nothing_is_not_believed(done, line):
    result = done.run("run", "job.yaml", "--launcher", line, code=70)
    assert "does not hold what the job computes" in result.stderr
    assert not (done.folder / "out.h5").exists()
    # Nor where an older, smaller file is complete.
    done.run("run", "job.yaml", "--set", "seeds=2", "--launcher", "env")
    done.run("run", "job.yaml", "--launcher", line, code=70)
    done.run("run", "job.yaml", "--launcher", "env")
    done.run("run", "job.yaml", "--launcher", line)
    done.run("run", "job.yaml", "--shard", "1/2", "--output", "part.h5", "--launcher", line, code=70)
