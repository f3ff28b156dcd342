import h5py
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import dynsweep


def by_hand(file, student, length):
    """The done seeds' overlaps at one point, read without the package: (seed, time)."""
    with h5py.File(file) as group:
        status = group["sgd/status"][student, length]
        return group["sgd/overlap"][student, length][status == 1]


@pytest.mark.parametrize(("student", "length", "count"), [(0, 0, 3), (0, 1, 5), (1, 2, 1)])
def test_mean_and_sem_over_done_seeds_only(partial_file, student, length, count):
    sgd = dynsweep.load(partial_file)["sgd"].isel(student=student, L=length)
    values = by_hand(partial_file, student, length)
    assert len(values) == count
    assert np.allclose(dynsweep.mean(sgd).overlap, values.mean(axis=0), rtol=1e-14, atol=0)
    error = dynsweep.sem(sgd).overlap
    if count == 1:
        assert np.isnan(error).all()
    else:
        assert np.allclose(error, stats.sem(values, axis=0), rtol=1e-12, atol=1e-15)


def test_failed_seeds_do_not_count_even_with_values(partial_file):
    sgd = dynsweep.load(partial_file)["sgd"]
    assert np.isfinite(sgd.overlap.isel(student=0, L=0, seed=0)).all()
    kept = dynsweep.where_done(sgd)
    assert np.isnan(kept.overlap.isel(student=0, L=0, seed=0)).all()
    assert not bool(dynsweep.done(sgd).isel(student=0, L=0, seed=0))


def test_statistics_of_a_simulation(partial_file):
    results = dynsweep.load(partial_file)
    statistics = results.statistics("sgd")
    assert statistics.overlap.dims == ("student", "L", "time")
    assert statistics.overlap.equals(dynsweep.mean(results["sgd"]).overlap)
    assert statistics.overlap_sem.equals(dynsweep.sem(results["sgd"]).overlap)
    assert statistics.overlap.attrs["symbol"] == "m"
    assert statistics.seeds_done.values.tolist() == [[3, 5, 5], [5, 5, 1]]
    assert int(statistics.seeds_pending.sum()) == 4
    assert int(statistics.seeds_failed.sum()) == int(statistics.seeds_diverged.sum()) == 1


def test_theory_is_left_as_it_is(curves_file):
    results = dynsweep.load(curves_file)
    statistics = results.statistics("ode")
    assert np.array_equal(statistics.overlap.values, results["ode"].overlap.values)
    assert "overlap_sem" not in statistics


def test_no_done_seed_gives_nan_without_a_warning(recwarn):
    dataset = xr.Dataset(
        {
            "status": (("L", "seed"), np.zeros((1, 3), np.int8)),
            "m": (("L", "seed"), np.full((1, 3), np.nan)),
        }
    )
    assert np.isnan(dynsweep.mean(dataset).m).all()
    assert np.isnan(dynsweep.sem(dataset).m).all()
    assert not recwarn.list


def test_undefined_values_of_a_done_task_are_left_out():
    dataset = xr.Dataset(
        {"status": ("seed", np.ones(4, np.int8)), "m": ("seed", [1.0, 2.0, np.nan, 6.0])}
    )
    assert float(dynsweep.mean(dataset).m) == 3
    assert float(dynsweep.sem(dataset).m) == pytest.approx(stats.sem([1, 2, 6]))


def test_status_codes_come_from_the_file():
    dataset = xr.Dataset(
        {
            "status": (
                "seed",
                np.array([7, 9], np.int8),
                {"flag_values": [7, 9], "flag_meanings": "done pending"},
            ),
            "m": ("seed", [1.0, 2.0]),
        }
    )
    assert float(dynsweep.mean(dataset).m) == 1
    assert dynsweep.status_counts(dataset) == {"done": 1, "pending": 1}


def test_mean_over_seeds_of_the_writer_agrees(fraction_file):
    chain = dynsweep.load(fraction_file)["overlap-chain"]
    assert chain.semantic_fraction.dims == ("step_size", "omega")
    assert np.allclose(dynsweep.mean(chain).semantic, chain.semantic_fraction)


def test_simulations_agree_with_the_theory(curves_file):
    """Dots lie on lines: the test that the file's numbers mean what the pictures say."""
    results = dynsweep.load(curves_file)
    theory = results.statistics("ode").overlap
    for method in ("sgd", "overlap-chain"):
        statistics = results.statistics(method)
        # d = 100: finite-size deviations are O(1/d), the seeds' spread O(1/sqrt(d)).
        assert float(abs(statistics.overlap - theory).max()) < 0.06
        assert float(statistics.overlap_sem.max()) < 0.06


def test_quantiles_are_those_of_the_done_seeds(partial_file):
    sgd = dynsweep.load(partial_file)["sgd"]
    found = dynsweep.quantiles(sgd, [0, 0.16, 0.5, 1]).overlap
    assert found.dims == ("quantile", "student", "L", "time")
    for student, length in ((0, 0), (0, 1), (1, 2)):
        values = by_hand(partial_file, student, length)
        np.testing.assert_allclose(
            found.isel(student=student, L=length),
            np.quantile(values, [0, 0.16, 0.5, 1], axis=0),
            rtol=1e-13,
        )
    assert dynsweep.quantiles(sgd).sizes["quantile"] == 3
    assert found.attrs["symbol"] == "m"


def test_quantiles_of_nothing_are_nan(recwarn):
    dataset = xr.Dataset(
        {
            "status": (("L", "seed"), np.array([[0, 0, 0], [1, 0, 1]], np.int8)),
            "m": (("L", "seed"), np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]])),
        }
    )
    assert np.isnan(dynsweep.quantiles(dataset, 0.5).m.sel(quantile=0.5)[0])
    assert float(dynsweep.quantiles(dataset, 0.5).m[0, 1]) == 6
    assert not recwarn.list
