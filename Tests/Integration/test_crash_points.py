"""Killed at every single call that changes the disk, and half way through every write; then resumed."""

import subprocess

import pytest

import faults
from conftest import TESTBENCH, Sandbox, environment
from faults import Trial, rule
from test_disk import SHORT, make_whole


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_whole(tmp_path_factory, SHORT)


def calls_of_a_run(factory):
    """What an undisturbed run does to the disk, call by call."""
    trial = Trial(Sandbox(factory.mktemp("calls"), TESTBENCH), None, SHORT)
    log = trial.folder / "log"
    trial.run(log=log)
    calls = [line.split(" ", 2) for line in log.read_text().splitlines()]
    return [(call, int(size), path) for call, size, path in calls if "out.h5" in path or call == "sync"]


def validated(trial):
    if not trial.file.exists():
        return
    done = subprocess.run(
        [TESTBENCH, "validate", trial.file], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 75), done.stdout


def crash_and_resume(factory, whole, number, how, ranks=None):
    trial = Trial(Sandbox(factory.mktemp("crash"), TESTBENCH), whole, SHORT)
    trial.run(rule(call="any", after=number, do=how), code=None if ranks else -9, ranks=ranks)
    validated(trial)
    trial.finish(ranks)


def test_killed_before_every_call_and_half_way_through_every_write(tmp_path_factory, whole):
    calls = calls_of_a_run(tmp_path_factory)
    names = [call for call, _, _ in calls]
    assert {"open", "write", "sync", "rename", "link", "unlink", "truncate"} <= set(names)
    publishing = [index for index, (_, _, path) in enumerate(calls) if path.endswith(".publishing")]
    # Inside the file that is being published one write is as good as another.
    skipped = set(publishing[3:-3]) - set(publishing[3:-3:9])
    for number, (call, size, path) in enumerate(calls):
        if number in skipped:
            continue
        try:
            crash_and_resume(tmp_path_factory, whole, number, "kill-before")
            if call == "write" and size > 1:
                crash_and_resume(tmp_path_factory, whole, number, "kill-half")
        except AssertionError as error:
            raise AssertionError(f"call {number} ({call} {size} {path}): {error}") from error


def test_killed_again_and_again(tmp_path, whole):
    """Each run dies a few calls later than it began to write, until one gets through."""
    trial = Trial(Sandbox(tmp_path, TESTBENCH), whole, SHORT)
    for number in range(40):
        done = trial.run(rule(call="write|sync|rename", after=6 + number // 2, do="kill-half"), code=None)
        validated(trial)
        trial.keep_journal()
        if done.returncode == 0:
            break
    trial.finish()


@pytest.mark.parametrize("number", [14, 17, 20, 23])
def test_killed_on_two_ranks(tmp_path_factory, whole, number):
    trial = Trial(Sandbox(tmp_path_factory.mktemp("crash"), TESTBENCH), whole, SHORT)
    trial.run(rule(call="write|rename", path=".journal", after=number - 12, do="kill-half"), code=None, ranks=2)
    validated(trial)
    trial.finish(2)
