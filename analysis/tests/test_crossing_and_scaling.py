"""Thresholds and exponents, against what is known in closed form."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import dynsweep
from dynsweep.scaling import chi_squared_tail


def dataset(values, coords, dims=("x", "seed")):
    values = np.asarray(values, dtype=float)
    tasks = [dim for dim in dims if dim != "time"]
    shape = [size for dim, size in zip(dims, values.shape, strict=True) if dim != "time"]
    return xr.Dataset(
        {"status": (tasks, np.ones(shape, np.int8)), "m": (dims, values)}, coords=coords
    )


def test_the_place_of_a_line_and_its_error():
    """m = x + noise of the run: the crossing's error is the noise's standard error."""
    x = np.linspace(0, 1, 11)
    noise = np.random.default_rng(1).normal(0, 0.1, 60)
    data = dataset(x[:, None] + noise[None, :], {"x": x})
    found = dynsweep.crossing(data, "m", 0.5, "x", resamples=4000)
    assert float(found.crossing) == pytest.approx(0.5 - noise.mean(), abs=1e-12)
    assert float(found.error) == pytest.approx(stats.sem(noise), rel=0.06)
    assert float(found.high - found.low) == pytest.approx(2 * stats.sem(noise), rel=0.1)
    assert int(found.crossings) == 1
    assert float(found.found) == 1
    assert found.attrs == {"observable": "m", "level": 0.5, "along": "x"}
    again = dynsweep.crossing(data, "m", 0.5, "x", resamples=4000)
    xr.testing.assert_identical(found, again)


def test_log_axes_are_interpolated_in_the_logarithm():
    x = np.geomspace(1, 1e4, 5)
    data = dataset(np.log10(x), {"x": x}, dims=("x",))
    found = dynsweep.crossing(data, "m", 2.5, "x")
    assert float(found.crossing) == pytest.approx(10**2.5, rel=1e-12)
    assert np.isnan(found.error)
    assert np.isnan(found.found)


def test_no_crossing_and_several_are_said():
    x = [1.0, 2.0, 3.0, 4.0, 5.0]
    rows = [
        [0, 0, 0, 0, 0],
        [0, 1, 0, 1, 1],
        # On the level at x = 2: reached once, not crossed twice.
        [1, 0.5, 0, 0, 0],
        [0, 0.5, 1, 1, 1],
        # A gap is passed over.
        [0, np.nan, 1, 1, 1],
    ]
    data = dataset(rows, {"L": range(5), "x": x}, dims=("L", "x"))
    found = dynsweep.crossing(data, "m", 0.5, "x")
    assert found.crossings.values.tolist() == [0, 3, 1, 1, 1]
    assert np.isnan(found.crossing[0])
    assert found.crossing[1:].values.tolist() == [1.5, 2, 2, 2]


def test_resamples_without_a_crossing_are_counted():
    # One run of four gets above the level: whether the mean does depends on how often it is drawn.
    rows = np.array([[0, 0, 0, 0], [0.2, 0.2, 0.2, 3.0]])
    found = dynsweep.crossing(dataset(rows, {"x": [0.0, 1.0]}), "m", 0.5, "x", resamples=20000)
    assert float(found.found) == pytest.approx(1 - (3 / 4) ** 4, abs=0.02)


def test_thresholds_of_a_real_file(curves_file):
    results = dynsweep.load(curves_file)
    chain = dynsweep.crossing(results["sgd"], "overlap", 0.6, "time")
    theory = dynsweep.crossing(results["ode"], "overlap", 0.6, "time")
    assert chain.crossing.dims == ("student", "L")
    gain = theory.crossing.sel(student="untied") / theory.crossing.sel(student="tied")
    np.testing.assert_allclose(gain, gain.L, rtol=0.03)
    # Four errors of the few seeds, and a tenth for the finite dimension.
    distance = abs(chain.crossing - theory.crossing)
    assert bool((distance < 4 * chain.error + 0.1 * theory.crossing).all()), (chain, theory)
    assert bool(((chain.error > 0) & (chain.error < 0.2 * theory.crossing)).all()), (chain, theory)
    assert chain.crossing.attrs["units"] == "t"


def test_mistakes_are_named(curves_file):
    sgd = dynsweep.load(curves_file)["sgd"]
    for function in (
        lambda along: dynsweep.crossing(sgd, "overlap", 0.5, along),
        lambda along: dynsweep.scaling(sgd, "overlap", along),
    ):
        with pytest.raises(ValueError, match="no axis 'alpha'; it has"):
            function("alpha")
        with pytest.raises(ValueError, match="no numeric axis"):
            function("student")


def test_an_exact_power_law_and_its_errors():
    """Errors of both parameters against the textbook's weighted least squares."""
    x = np.array([1.0, 2.0, 5.0, 10.0])
    spread = np.array([0.01, 0.2, 0.03, 0.04])
    # Two runs at mean(1 +- s): the mean is exact, its relative error is s.
    law = 3 * x**-1.5
    data = dataset(law[:, None] * (1 + spread[:, None] * [[-1, 1]]), {"x": x})
    found = dynsweep.scaling(data, "m", "x")
    assert float(found.exponent) == pytest.approx(-1.5, abs=1e-12)
    assert float(found.prefactor) == pytest.approx(3, rel=1e-12)
    assert float(found.chi2) == pytest.approx(0, abs=1e-12)
    design = np.stack([np.ones(4), np.log(x)], axis=1) / spread[:, None]
    covariance = np.linalg.inv(design.T @ design)
    assert float(found.exponent_error) == pytest.approx(math.sqrt(covariance[1, 1]), rel=1e-12)
    assert float(found.prefactor_error) == pytest.approx(3 * math.sqrt(covariance[0, 0]), rel=1e-12)
    assert (int(found.points), int(found.dof)) == (4, 2)


def test_errors_and_p_values_are_those_of_repeated_experiments():
    generator = np.random.default_rng(3)
    x, repeats = np.geomspace(1, 100, 8), 1500
    draws = 2 * x[:, None] ** 0.7 * (1 + 0.1 * generator.standard_normal((repeats, 8, 60)))
    data = dataset(draws, {"L": range(repeats), "x": x}, dims=("L", "x", "seed"))
    found = dynsweep.scaling(data, "m", "x")
    pull = (found.exponent - 0.7) / found.exponent_error
    assert float(pull.std()) == pytest.approx(1, abs=0.07)
    assert float(pull.mean()) == pytest.approx(0, abs=0.1)
    assert float(found.p_value.mean()) == pytest.approx(0.5, abs=0.05)
    bent = draws * (1 + np.log(x)[:, None] ** 2 / 20)
    wrong = dynsweep.scaling(data.assign(m=(data.m.dims, bent)), "m", "x")
    assert float(wrong.p_value.max()) < 1e-3


def test_along_time_runs_are_left_out_one_at_a_time():
    """All points of a run move together: the prefactor is uncertain, the exponent is not."""
    generator = np.random.default_rng(4)
    t, scale = np.geomspace(1, 100, 9), 1 + 0.1 * generator.standard_normal(40)
    data = dataset(scale[:, None] * t**-0.5, {"time": t}, dims=("seed", "time"))
    found = dynsweep.scaling(data, "m", "time")
    assert float(found.exponent) == pytest.approx(-0.5, abs=1e-12)
    assert float(found.exponent_error) < 1e-12
    assert float(found.prefactor_error) == pytest.approx(stats.sem(scale), rel=0.01)
    assert np.isnan(found.p_value)


def test_without_seeds_the_scatter_gives_the_error():
    x = np.geomspace(1, 64, 7)
    y = 5 * x**2 * np.exp(0.1 * np.array([1, -1, 1, -1, 1, -1, 1]))
    found = dynsweep.scaling(dataset(y, {"x": x}, dims=("x",)), "m", "x")
    line = stats.linregress(np.log(x), np.log(y))
    assert float(found.exponent) == pytest.approx(line.slope, rel=1e-12)
    assert float(found.exponent_error) == pytest.approx(line.stderr, rel=1e-12)
    assert float(found.prefactor_error) == pytest.approx(
        math.exp(line.intercept) * line.intercept_stderr, rel=1e-12
    )
    assert np.isnan(found.chi2)


def test_given_errors_are_used_as_those_of_seeds():
    generator = np.random.default_rng(8)
    x = np.geomspace(1, 64, 7)
    draws = 5 * x[:, None] ** 2 * (1 + 0.1 * generator.standard_normal((7, 20)))
    seeded = dynsweep.scaling(dataset(draws, {"x": x}), "m", "x")
    points = xr.Dataset(
        {"m": ("x", draws.mean(axis=1)), "error": ("x", stats.sem(draws, axis=1))}, {"x": x}
    )
    xr.testing.assert_allclose(dynsweep.scaling(points, "m", "x", error="error"), seeded)


def test_ranges_and_points_without_a_logarithm():
    x = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0])
    y = np.array([1.0, 1.0, 4.0, 16.0, 64.0, -1.0])
    data = dataset(y, {"x": x}, dims=("x",))
    found = dynsweep.scaling(data, "m", "x")
    assert int(found.points) == 4
    assert float(found.exponent) == pytest.approx(2, abs=1e-12)
    few = dynsweep.scaling(data, "m", "x", between=(2, 4))
    assert int(few.points) == 2
    assert np.isnan(few.exponent)


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 7, 20])
def test_the_tail_of_chi_squared(dof):
    for chi2 in (0.0, 0.1, 1.0, 5.0, 30.0):
        assert chi_squared_tail(chi2, dof) == pytest.approx(stats.chi2.sf(chi2, dof), rel=1e-12)


def test_the_gain_is_the_sequence_length(curves_file):
    """The untied network's time to reach an overlap is proportional to L."""
    theory = dynsweep.load(curves_file)["ode"]
    times = dynsweep.crossing(theory, "overlap", 0.6, "time")
    law = dynsweep.scaling(times, "crossing", "L")
    assert float(law.exponent.sel(student="untied")) == pytest.approx(1, abs=0.02)
    assert float(law.exponent.sel(student="tied")) == pytest.approx(0, abs=0.02)
