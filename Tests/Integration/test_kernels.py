"""Kernels, seeds of single methods, and limits, with the real binary."""

import csv
import io
import re
import signal
import time

import h5py
import numpy as np

from conftest import assert_same
from test_checkpoints import resumed, wait_for_rank_files

KERNELS = """
model: trial
methods: [walk, sampled]
parameters: {index: [0, 1, 2], walkers: 4}
seeds: 3
record: {times: [0, 1, 5, 20, 21], kernels: true}
output: out.h5
"""


def test_kernels_are_the_same_for_any_ranks_and_way(bench):
    bench.write(KERNELS)
    bench.run("run", "job.yaml", "--output", "one.h5")
    bench.run("run", "job.yaml", "--output", "two.h5", ranks=2)
    assert_same(bench.folder / "one.h5", bench.folder / "two.h5")
    # Grown from a part, and merged from two.
    bench.run("run", "job.yaml", "--set", "index=[1]", "--set", "seeds=2")
    bench.run("run", "job.yaml")
    assert_same(bench.folder / "one.h5", bench.folder / "out.h5")
    for part in ([0, 2], [1]):
        bench.run("run", "job.yaml", "--set", f"index={part}", "--output", f"part{len(part)}.h5")
    bench.run("merge", "part1.h5", "part2.h5", "-o", "merged.h5")
    assert_same(bench.folder / "one.h5", bench.folder / "merged.h5")
    assert "sound and complete" in bench.run("validate", "merged.h5").stdout

    with h5py.File(bench.folder / "one.h5") as file:
        product = file["walk/product"]
        assert [dim[0].name for dim in product.dims] == [
            "/walk/index", "/walk/seed", "/walk/time", "/walk/time_prime", "/walk/power"
        ]
        x = file["walk/position"][()]
        np.testing.assert_array_equal(product[..., 0], x[..., :, None] * x[..., None, :])
        np.testing.assert_array_equal(file["walk/time_prime"], file["walk/time"])
        assert dict(file["walk/time_prime"].attrs)["units"] == "steps"
        assert "product" not in file["sampled"] and "time_prime" not in file["sampled"]

    rows = list(csv.DictReader(io.StringIO(bench.run("export", "one.h5", "--csv", "--method", "walk").stdout)))
    assert len(rows) == 3 * 3 * 5
    assert float(rows[-1]["product[4][0]"]) == float(rows[-1]["position"]) ** 2


def test_kernels_go_on_from_a_checkpoint(bench):
    bench.write(
        """
        model: trial
        methods: [walk]
        parameters: {index: [0, 1], milliseconds: 2500, walkers: 5}
        record: {times: {linspace: [0, 1000, 11]}, kernels: true}
        output: out.h5
        """
    )
    bench.run("run", "job.yaml", "-n", "2", "--output", "whole.h5")
    process = bench.start("run", "job.yaml", "-n", "2")
    wait_for_rank_files(bench.folder, 0, 2)
    time.sleep(1)
    process.send_signal(signal.SIGUSR1)
    process.wait(timeout=60)
    assert process.returncode == 75
    assert resumed(bench.run("run", "job.yaml", "-n", "2").stderr) == 2
    assert_same(bench.folder / "whole.h5", bench.folder / "out.h5")


def test_kernels_are_known_before_and_not_switched_on_later(bench):
    bench.write(KERNELS)
    text = bench.run("models", "trial").stdout
    assert "product over time, time_prime, power: walk; a kernel, only with record: {kernels: true}" in text
    # Nine tasks of five times, each a position and ten numbers of the kernel, and one number more.
    plan = bench.run("plan", "job.yaml", "--set", "methods=[walk]").stdout
    assert f"{round(9 * 8 * (5 * 11 + 1) / 1000)} kB" in plan
    bench.run("run", "job.yaml", "--set", "record.kernels=false")
    refused = bench.run("run", "job.yaml", code=2)
    assert "observable 'product' of method 'walk': the job asks for it, the file does not have it" in refused.stderr
    wrong = bench.run("plan", "job.yaml", "--set", "record.kernels=maybe", code=2)
    assert "--set record.kernels=maybe: error: 'kernels' must be true or false" in wrong.stderr
    none = bench.run("plan", "job.yaml", "--set", "methods=[sampled]", code=2)
    assert "none of the job's methods has kernels" in none.stderr
    large = bench.run("plan", "job.yaml", "--set", "record.times={range: [0, 10000, 1]}", code=2)
    assert "records 1600 MB, more than the limit of 1000 MB" in large.stderr


def test_a_method_has_seeds_of_its_own(bench):
    bench.write(KERNELS)
    own = ("--set", "per_method.sampled.seeds=2")
    bench.run("run", "job.yaml", *own)
    with h5py.File(bench.folder / "out.h5") as file:
        assert file["walk/status"].shape == (3, 3) and file["sampled/status"].shape == (3, 2)
        few = file["sampled/position"][()]
    assert re.search(r"sampled +3 +2 +6 ", bench.run("plan", "job.yaml", *own).stdout)
    # More of them later: what is there stays, bit for bit.
    grown = bench.run("run", "job.yaml", "--set", "per_method.sampled.seeds={count: 4}")
    assert "ran 6 tasks" in grown.stderr
    with h5py.File(bench.folder / "out.h5") as file:
        assert file["sampled/position"].shape == (3, 4, 5)
        np.testing.assert_array_equal(file["sampled/position"][:, :2], few)
    fewer = bench.run("run", "job.yaml", *own, code=2)
    assert "seeds of method 'sampled': the file has 4 from 0, the job has 2 from 0" in fewer.stderr
    bench.run("run", "job.yaml", "--set", "seeds=4", "--output", "common.h5")
    bench.run("run", "job.yaml", "--set", "seeds=4")
    assert_same(bench.folder / "common.h5", bench.folder / "out.h5")
    wrong = bench.run("plan", "job.yaml", "--set", "per_method.sampled.seeds=none", code=2)
    assert "--set per_method.sampled.seeds=none: error: 'seeds' must be an integer >= 1" in wrong.stderr


def test_what_does_not_fit_the_limits_is_said_before_and_not_begun(bench):
    bench.write(
        """
        model: trial
        methods: [walk]
        parameters: {milliseconds: [1, 36000000], walkers: [10, 1000000000]}
        seeds: 2
        record: {times: [0, 1]}
        limits: {task_memory: 2GB, task_minutes: 60}
        output: out.h5
        """
    )
    plan = " ".join(bench.run("plan", "job.yaml").stdout.split())
    assert (
        "walk: 4 of 8 tasks need more than limits.task_memory. The largest would hold 8.0 GB, over limits.task_memory "
        "(2.0 GB), at milliseconds=1 walkers=1000000000. A run does not begin them: they fail at once. To mend it, "
        "lower walkers (1000000000), or raise limits.task_memory."
    ) in plan
    assert (
        "walk: 4 of 8 tasks are expected to take longer than limits.task_minutes. The largest would take 10.0 h, over "
        "limits.task_minutes (60 min), at milliseconds=36000000 walkers=1000000000. A run does not begin them: they "
        "fail at once. To mend it, lower milliseconds (36000000), or raise limits.task_minutes."
    ) in plan
    bench.run("run", "job.yaml", code=1, timeout=120)
    with h5py.File(bench.folder / "out.h5") as file:
        assert file["walk/status"][()].tolist() == [[[1, 1], [2, 2]], [[2, 2], [2, 2]]]
        errors = file["walk/error"].asstr()[()]
    assert errors[0, 1, 0] == (
        "not begun: by the estimate it would hold 8.0 GB, over limits.task_memory (2.0 GB); "
        "lower walkers (1000000000), or raise the limit"
    )
    assert errors[1, 0, 1] == (
        "not begun: by the estimate it would take 10.0 h, over limits.task_minutes (60 min); "
        "lower milliseconds (36000000), or raise the limit"
    )
    # As the messages say: with another limit it runs.
    short = ("run", "job.yaml", "--output", "short.h5", "--set", "walkers=10", "--set", "milliseconds=3000")
    bench.run(*short, "--set", "limits.task_minutes=0.02", code=1)
    bench.run(*short, "--retry-failed")
