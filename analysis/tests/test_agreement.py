"""How far dots are from lines: by hand, by chance, and on real files."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import dynsweep
from dynsweep.figure import FigureSpec
from dynsweep.results import Results


def results_of(tmp_path, **methods):
    """Results made of (kind, dims, values): all tasks done."""
    datasets = {}
    for name, (kind, dims, values, coords) in methods.items():
        values = np.asarray(values, dtype=float)
        tasks = [dim for dim in dims if dim != "time"]
        shape = [size for dim, size in zip(dims, values.shape, strict=True) if dim != "time"]
        datasets[name.replace("_", "-")] = xr.Dataset(
            {"status": (tasks, np.ones(shape, np.int8)), "m": (dims, values)},
            coords=coords,
            attrs={"kind": kind},
        )
    return Results(tmp_path / "made.h5", datasets, {})


def test_z_is_the_difference_in_standard_errors_of_both(tmp_path):
    simulation, theory = [1.0, 2.0, 6.0], [2.0, 2.4]
    results = results_of(
        tmp_path,
        sgd=("simulation", ("seed",), simulation, {}),
        dmft=("theory", ("seed",), theory, {}),
        ode=("theory", (), 2.5, {}),
    )
    monte_carlo, exact = dynsweep.theory_vs_simulation(results)
    error = math.hypot(stats.sem(simulation), stats.sem(theory))
    assert (monte_carlo.simulation, monte_carlo.theory) == ("sgd", "dmft")
    assert float(monte_carlo.dataset.error) == pytest.approx(error, rel=1e-14)
    assert float(monte_carlo.z) == pytest.approx((3 - 2.2) / error, rel=1e-14)
    assert float(exact.z) == pytest.approx(0.5 / stats.sem(simulation), rel=1e-14)
    assert monte_carlo.seeds == 3


def test_z_of_right_theory_is_standard_normal(tmp_path):
    """A wrong factor (ddof, sqrt(n), an error not squared) moves the spread of z away from 1."""
    points, seeds = 4000, 100
    generator = np.random.default_rng(5)
    spread = generator.uniform(0.1, 10, (points, 1))
    coords = {"L": np.arange(points)}
    for own_seeds in (0, 50):
        draws = 7 + spread * generator.standard_normal((points, seeds))
        theory = ("theory", ("L",), np.full(points, 7.0), coords)
        if own_seeds:
            other = 7 + 2 * spread * generator.standard_normal((points, own_seeds))
            theory = ("theory", ("L", "seed"), other, coords)
        results = results_of(tmp_path, sgd=("simulation", ("L", "seed"), draws, coords), ode=theory)
        (row,) = dynsweep.theory_vs_simulation(results).rows()
        assert row["rms_z"] == pytest.approx(1, abs=0.05)
        assert row["within_2"] == pytest.approx(0.9545, abs=0.015)
        assert row["points"] == row["with_error"] == points


def test_points_are_matched_by_their_values(tmp_path):
    results = results_of(
        tmp_path,
        sgd=(
            "simulation",
            ("L", "seed", "time"),
            np.arange(2 * 3 * 4).reshape(2, 3, 4),
            {"L": [2, 4], "time": [0.1, 0.2, 0.30000000000000004, 7.0]},
        ),
        # Without L: the same for all; other times, in another place.
        ode=("theory", ("time",), [5.0, 6.0, 9.0], {"time": [0.2, 0.3, 1.0]}),
    )
    (item,) = dynsweep.theory_vs_simulation(results)
    assert item.dataset.sizes == {"L": 2, "time": 2}
    assert item.dataset.theory.transpose("L", "time").values.tolist() == [[5, 6], [5, 6]]
    assert item.dataset.simulation.sel(L=4).values.tolist() == [17, 18]
    assert item.worst == {"L": 4, "time": 0.2}


def test_nothing_in_common_is_said(tmp_path):
    results = results_of(
        tmp_path,
        sgd=("simulation", ("L", "seed"), [[1.0, 2.0]], {"L": [2]}),
        ode=("theory", ("L",), [1.0], {"L": [3]}),
    )
    agreement = dynsweep.theory_vs_simulation(results)
    assert not len(agreement)
    assert agreement.skipped == ("m: sgd against ode: no common L",)
    assert "no common L" in repr(agreement)
    missing = dynsweep.theory_vs_simulation(results, "q")
    assert missing.skipped == ("q: no simulation and theory both have it",)
    with pytest.raises(KeyError, match="'m' was not compared"):
        agreement["m"]


def test_without_a_spread_there_is_no_z_but_a_difference(tmp_path):
    results = results_of(
        tmp_path,
        sgd=("simulation", ("L", "seed"), [[1.0, 1.0], [2.0, 2.5]], {"L": [2, 4]}),
        ode=("theory", ("L",), [1.5, 2.25], {"L": [2, 4]}),
    )
    (row,) = dynsweep.theory_vs_simulation(results).rows()
    assert (row["points"], row["with_error"], row["max_z"]) == (2, 1, 0)
    assert row["max_relative"] == pytest.approx(0.5 / 2.25)


def test_real_runs_are_on_the_lines(curves_file):
    results = dynsweep.load(curves_file)
    agreement = dynsweep.theory_vs_simulation(results, "overlap")
    pairs = {(item.simulation, item.theory) for item in agreement}
    assert pairs == {("sgd", "ode"), ("overlap-chain", "ode")}
    item = agreement["overlap"]
    statistics = results.statistics("sgd")
    by_hand = (statistics.overlap - results["ode"].overlap) / statistics.overlap_sem
    np.testing.assert_allclose(
        item.z.isel(time=slice(1, 9)), by_hand.isel(time=slice(1, 9)), rtol=1e-12
    )
    assert item.row()["max_relative"] < 0.06
    assert "sgd" in repr(agreement)
    assert agreement.table().columns[0] == "observable"
    every = dynsweep.theory_vs_simulation(results)
    assert {item.observable for item in every} >= {"overlap", "overlap_vec"}
    swapped = dynsweep.theory_vs_simulation(
        results, "overlap", simulation="sgd", theory="overlap-chain"
    )
    assert [(item.simulation, item.theory) for item in swapped] == [("sgd", "overlap-chain")]


def test_the_job_says_which_theory_is_whose(tmp_path):
    methods = {
        "amp": ("simulation", ("seed",), [1.0, 2.0], {}),
        "gd": ("simulation", ("seed",), [3.0, 4.0], {}),
        "bayes": ("theory", (), 1.5, {}),
        "ridge": ("theory", (), 9.0, {}),
    }
    results = results_of(tmp_path, **methods)

    def pairs(**options):
        return [(i.simulation, i.theory) for i in dynsweep.theory_vs_simulation(results, **options)]

    assert len(pairs()) == 4
    results = results.with_job("figure: {y: m, compare: {amp: bayes, gd: [ridge, amp], sgd: ode}}")
    assert pairs() == [("amp", "bayes"), ("gd", "ridge"), ("gd", "amp")]
    assert pairs(theory="ridge") == [("amp", "ridge"), ("gd", "ridge")], "said here, it counts"
    assert FigureSpec.of_job(results.job).y == "m"


def test_a_theory_without_time_is_about_the_end(tmp_path):
    values = np.array([[0.0, 5.0, 7.0], [0.0, 5.5, 8.0]])
    results = results_of(
        tmp_path,
        amp=("simulation", ("seed", "time"), values, {"time": [0, 10, 100]}),
        bayes=("theory", (), 7.5, {}),
    )
    (item,) = dynsweep.theory_vs_simulation(results)
    assert item.dataset.time.values.tolist() == [100]
    assert item.z.values.tolist() == [0]


def test_without_a_theory_simulations_are_compared(fraction_file, kernel_file):
    assert not len(dynsweep.theory_vs_simulation(dynsweep.load(fraction_file)))
    results = dynsweep.load(kernel_file)
    kinds = {name: results.kind(name) for name in results}
    pairs = {(i.simulation, i.theory) for i in dynsweep.theory_vs_simulation(results)}
    assert "theory" in kinds.values() or len(pairs) <= 1
