"""The commands as a user meets them: answers, exit codes, old machines."""

import csv
import io
import pathlib
import platform
import re
import subprocess
import time

import h5py
import numpy as np
import pytest

from conftest import BINARY, JOB, environment, kill_tree


@pytest.fixture
def finished(sandbox):
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml")
    return sandbox


def test_plan_counts_tasks_and_says_what_is_done(sandbox):
    sandbox.write(JOB)
    before = sandbox.run("plan", "job.yaml").stdout
    # (student, L) is 2 x 2 for each method; 6 seeds for the two simulations.
    assert "52 tasks" in before
    assert "Nothing is computed yet" in before
    sandbox.run("run", "job.yaml")
    assert "holds 52 tasks done" in sandbox.run("plan", "job.yaml").stdout


def test_plan_simulates_any_numbers_of_ranks(sandbox):
    sandbox.write(JOB)
    text = sandbox.run("plan", "job.yaml", "--ranks", "1,16,10000").stdout
    rows = [line.split() for line in text.splitlines() if "%" in line and line.startswith("  ")]
    assert [row[0] for row in rows] == ["1", "16", "10"], "a row for each, 10 000 with its space"
    assert "longest task" in text
    assert text == sandbox.run("plan", "job.yaml", "-n", "1,16,10000").stdout
    assert "--ranks" in sandbox.run("plan", "job.yaml").stdout, "it is offered"


def test_status_and_validate_of_a_finished_sweep(finished):
    text = finished.run("status", "out.h5").stdout
    for method in ("sgd", "overlap-chain", "ode"):
        assert method in text
    assert "sound and complete" in finished.run("validate", "out.h5").stdout


def table_row(text, method):
    """A row of the first table of `status` that begins with `method`, by the names of its columns."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[:1] == ["method"])
    values = next(line for line in lines[at:] if line.split()[:1] == [method]).split()
    # Durations have a space in them, and are last.
    return dict(zip(lines[at].split()[:8], values))


def test_status_of_a_run_that_goes_on(bench):
    bench.write(
        "model: trial\nmethods: [walk]\nparameters: {index: {range: [0, 5, 1]}, milliseconds: 2500, walkers: 20}\n"
        "seeds: 1\nrecord: {times: {linspace: [0, 1000, 11]}}\noutput: out.h5\n"
    )
    process = bench.start("run", "job.yaml", "-n", "2")
    try:
        seen = None
        for _ in range(300):
            done = subprocess.run(bench.command("status", "out.h5"), cwd=bench.folder, text=True, capture_output=True)
            row = table_row(done.stdout, "walk") if done.returncode == 75 else {}
            if row.get("running") == "2" and int(row["done"]) >= 2:
                seen = done.stdout
                break
            assert process.poll() is None, "the run ended before it was seen at work"
            time.sleep(0.05)
        assert seen, "status never showed two ranks at work beside finished tasks"
        # Core time spent, and what is left by its measure.
        assert re.search(r"^  walk .* \d[.\d]* (ms|s) +\d[.\d]* (ms|s)$", seen, re.MULTILINE)
        assert int(row["done"]) + 2 + int(row["pending"]) == 6
        assert "2 tasks run; " in seen and "core-hours" in seen and "with these ranks" in seen
        assert "rank 0: walk index=" in seen and "rank 1: walk index=" in seen
        assert "Slowest of walk: " in seen
    finally:
        kill_tree(process)
    gone = bench.run("status", "out.h5", code=75).stdout
    assert "is gone" in gone and "Nothing runs; " in gone
    assert table_row(gone, "walk")["running"] == "0"


def test_status_watches_a_run_to_its_end(bench):
    bench.write(
        "model: trial\nmethods: [walk]\nparameters: {index: {range: [0, 3, 1]}, milliseconds: 1000, walkers: 20}\n"
        "seeds: 1\nrecord: {times: {linspace: [0, 1000, 11]}}\noutput: out.h5\n"
    )
    process = bench.start("run", "job.yaml", "-n", "2")
    while not (bench.folder / "out.h5").exists():
        assert process.poll() is None
        time.sleep(0.02)
    watched = bench.run("status", "out.h5", "--watch", "--every", "0.2").stdout
    assert process.wait(timeout=60) == 0
    assert watched.count("model trial") > 1, "it is shown again and again"
    assert table_row(watched[watched.rindex("model trial"):], "walk")["done"] == "4"
    assert "--every" in bench.run("status", "out.h5", "--every", "0", code=2).stderr


def test_status_waits_for_the_first_results_of_a_run(bench):
    bench.write(
        "model: trial\nmethods: [walk]\nparameters: {walkers: 20}\nseeds: 1\nrecord: {times: [0, 10]}\noutput: out.h5\n"
    )
    bench.run("run", "job.yaml")
    made = (bench.folder / "out.h5").rename(bench.folder / "made.h5")
    assert "out.h5" in bench.run("status", "out.h5", "--watch", code=2).stderr, "nobody writes it"
    (bench.folder / "out.h5.lock").touch()
    watch = bench.start("status", "out.h5", "--watch", "--every", "0.1")
    time.sleep(0.5)
    assert watch.poll() is None, "a run has begun: there will be a file"
    made.rename(bench.folder / "out.h5")
    assert watch.wait(timeout=60) == 0


def test_validate_names_a_damaged_file(finished):
    path = finished.folder / "out.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "error" in finished.run("validate", "out.h5", code=1).stdout


def test_models_explains_every_parameter(sandbox):
    assert "sequence-single-index" in sandbox.run("models").stdout
    text = sandbox.run("models", "sequence-single-index").stdout
    for name in ("step_size (gamma)", "init_scale (o)", "norm_mode", "weak_recovery_time", "overlap-chain"):
        assert name in text
    done = sandbox.run("models", "sequence-single-indx", code=2)
    assert "did you mean 'sequence-single-index'?" in done.stderr


def test_export_reads_back_the_exact_numbers(finished):
    text = finished.run("export", "out.h5", "--csv", "--method", "ode").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    with h5py.File(finished.folder / "out.h5") as file:
        overlap = file["ode/overlap"][()]
    assert [float(row["overlap"]) for row in rows] == overlap.ravel().tolist()
    finished.run("export", "out.h5", "--csv", "--method", "ode", "-o", "table.csv")
    assert (finished.folder / "table.csv").read_text() == text
    assert "several methods" in finished.run("export", "out.h5", "--csv", code=2).stderr


def test_simulation_theory_and_chain_agree_in_the_file(finished):
    """Through the whole engine: each pair of means within 4.5 combined standard errors (plus the finite-d offset)."""
    with h5py.File(finished.folder / "out.h5") as file:
        sgd, chain, ode = (file[f"{method}/overlap"][()] for method in ("sgd", "overlap-chain", "ode"))
    count = sgd.shape[2]
    means, errors = zip(*((x.mean(axis=2), x.std(axis=2, ddof=1) / np.sqrt(count)) for x in (sgd, chain)))
    assert (abs(means[0] - means[1]) < 4.5 * np.hypot(*errors) + 1e-6).all()
    assert (abs(means[0] - ode) < 4.5 * errors[0] + 0.01).all()


@pytest.mark.parametrize("arguments", [["run"], ["run", "job.yaml", "-n", "0"], ["plan", "job.yaml", "--sett", "d=1"], ["dance"],
                                       ["plan", "job.yaml", "--ranks", "4,0"], ["plan", "job.yaml", "--ranks", "4,,8"]])
def test_bad_arguments_have_code_2(sandbox, arguments):
    sandbox.write(JOB)
    assert sandbox.run(*arguments, code=2).stderr


def test_a_file_that_is_no_result_is_named(sandbox):
    sandbox.write("not an HDF5 file", "x.h5")
    for command in ("status", "export"):
        arguments = [command, "x.h5"] + (["--csv"] if command == "export" else [])
        assert "x.h5" in sandbox.run(*arguments, code=2).stderr
    sandbox.run("validate", "x.h5", code=1)
    assert "no-such.h5" in sandbox.run("status", "no-such.h5", code=2).stderr


def test_someone_elses_file_is_not_overwritten(sandbox):
    sandbox.write(JOB)
    path = sandbox.write("precious notes", "out.h5")
    done = sandbox.run("run", "job.yaml", code=2)
    assert "out.h5" in done.stderr
    assert path.read_text() == "precious notes"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has levels")
def test_an_older_cpu_gets_a_message_and_not_an_illegal_instruction(sandbox):
    has_avx2 = " avx2 " in pathlib.Path("/proc/cpuinfo").read_text()
    done = subprocess.run(
        ["qemu-x86_64", "-cpu", "Nehalem", BINARY, "--version"], env=environment(), capture_output=True, text=True,
        timeout=120,
    )
    # The default build is for this machine: what it can do and Nehalem cannot is refused.
    assert done.returncode == (70 if has_avx2 else 0), done.stderr
    assert ("DYNSWEEP_MARCH" in done.stderr) == has_avx2
