"""Observables over two times."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh

import dynsweep
from dynsweep.figure import CurvesPlan, FigureSpec, MapPlan, draw, plan
from dynsweep.figure.cli import main


@pytest.fixture
def results(kernel_file):
    return dynsweep.load(kernel_file)


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_a_kernel_has_named_dimensions_and_coordinates(kernel_file, engine):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    with xr.open_dataset(kernel_file, group="walk", engine=engine) as walk:
        assert walk["product"].dims == ("index", "seed", "time", "time_prime", "power")
        assert walk["product"].shape == (2, 4, 16, 16, 2)
        assert walk.time_prime.dims == ("time_prime",)
        assert np.array_equal(walk.time_prime, np.arange(0, 31, 2))
        assert walk.time_prime.attrs["units"] == walk.time.attrs["units"] == "steps"
        assert walk.time_prime.attrs["long_name"] == walk.time.attrs["long_name"]
    with xr.open_dataset(kernel_file, group="sampled", engine=engine) as sampled:
        assert "time_prime" not in sampled.variables
        assert sampled.sizes["seed"] == 2


def test_both_halves_are_there_and_right(results):
    walk = results["walk"]
    x = walk.position
    product = x * x.rename(time="time_prime")
    first = walk["product"].isel(power=0)
    np.testing.assert_array_equal(first, product.transpose(*first.dims))
    np.testing.assert_array_equal(
        first, first.rename(time="time_prime", time_prime="time").transpose(*first.dims)
    )
    assert "product" in repr(results)


def test_statistics_are_over_seeds(results):
    statistics = results.statistics("walk")
    assert statistics["product"].dims == ("index", "time", "time_prime", "power")
    np.testing.assert_allclose(
        statistics["product"], results["walk"]["product"].mean("seed"), rtol=1e-14
    )
    assert statistics["product_sem"].dims == statistics["product"].dims


def test_a_kernel_is_drawn_as_a_map_over_both_times(results, kernel_file, tmp_path):
    wish = FigureSpec(y="product", at={"index": 1})
    chosen = plan(results, wish)
    held = {"index": 1, "power": 1}  # the first power: what has no coordinate counts from 1
    assert chosen == MapPlan("product", "time", "time_prime", None, held, "walk")
    figure = draw(results, wish)
    axes = figure.axes[0]
    (mesh,) = (item for item in axes.collections if isinstance(item, QuadMesh))
    mean = results["walk"]["product"].sel(index=1).isel(power=0).mean("seed")
    np.testing.assert_allclose(
        mesh.get_array().reshape(16, 16), mean.transpose("time_prime", "time"), rtol=1e-12
    )
    figure.canvas.draw()
    texts = {text.get_text() for text in figure.texts} | {axes.get_xlabel(), axes.get_ylabel()}
    assert any(text.endswith("$k$") for text in texts)
    assert any(text.endswith("$k'$") for text in texts)
    picture = tmp_path / "kernel.png"
    assert main([str(kernel_file), "--y", "product", "-o", str(picture)]) == 0
    assert picture.stat().st_size > 1000


def test_a_kernel_can_be_drawn_as_curves_and_is_not_the_default(results):
    assert plan(results, FigureSpec()).y == "position"
    curves = plan(results, FigureSpec(y="product", x="time", hue="time_prime"))
    assert isinstance(curves, CurvesPlan)
    assert curves.hue == "time_prime"
    held = plan(results, FigureSpec(y="product", x="time", at={"time_prime": 4}))
    assert isinstance(held, CurvesPlan)
    assert held.held["time_prime"] == 4
    for wish in (
        FigureSpec(y="product", x="time", hue="index"),
        FigureSpec(y="product", x="time_prime"),
    ):
        assert draw(results, wish).axes
