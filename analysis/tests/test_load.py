import subprocess

import numpy as np
import pytest
import xarray as xr
import yaml
from conftest import CURVES, run

import dynsweep
from dynsweep.figure import draw

ENGINES = ("h5netcdf", "netcdf4")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_group_opens_with_default_decoding(curves_file, map_file, fraction_file, engine):
    for file in (curves_file, map_file, fraction_file):
        groups = xr.open_groups(file, engine=engine)
        assert len(groups) >= 2
        for name, dataset in groups.items():
            dataset.load()
            if name != "/":
                assert dataset["status"].dtype.kind in "iu", "codes stay whole numbers"


@pytest.mark.parametrize("command", [["ncdump", "-h"], ["h5dump", "-H"]])
def test_command_line_readers_open_the_file(curves_file, command):
    done = subprocess.run([*command, curves_file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "overlap" in done.stdout
    assert "student" in done.stdout


@pytest.mark.parametrize("engine", ENGINES)
def test_methods_axes_and_fixed_parameters(curves_file, engine):
    with dynsweep.load(curves_file, engine=engine) as results:
        assert set(results.methods) == {"sgd", "overlap-chain", "ode"}
        assert results["sgd"].overlap.dims == ("student", "L", "seed", "time")
        assert results["ode"].overlap.dims == ("student", "L", "time")
        sgd = results["sgd"]
        assert sgd.L.values.tolist() == [2, 4, 8]
        assert sgd.student.values.tolist() == ["tied", "untied"]
        assert sgd.seed.values.tolist() == [3, 4, 5, 6, 7]
        assert np.allclose(sgd.time, np.linspace(0, 8, 33))
        assert sgd.coords["d"].item() == 100
        assert sgd.coords["step_size"].item() == 0.4
        assert sgd.coords["step_size"].attrs["symbol"] == "gamma"
        assert sgd.overlap.attrs["symbol"] == "m"


def test_values_are_read_when_used(curves_file):
    results = dynsweep.load(curves_file)
    assert not results["sgd"].overlap.variable._in_memory
    assert "overlap" in repr(results)
    assert not results["sgd"].overlap.variable._in_memory


def test_shorter_sequences_are_padded_with_nan(curves_file):
    rows = dynsweep.load(curves_file)["sgd"].overlap_vec.sel(L=4)
    assert rows.sizes["token"] == 8
    assert np.isfinite(rows.isel(token=slice(0, 4))).all()
    assert np.isnan(rows.isel(token=slice(4, 8))).all()


def test_access_by_name_and_by_attribute(curves_file):
    results = dynsweep.load(curves_file)
    assert results.overlap_chain is results["overlap-chain"]
    assert len(results) == 3
    assert "overlap_chain" in dir(results)
    with pytest.raises(KeyError, match="sgd"):
        results["sdg"]
    with pytest.raises(AttributeError, match="sdg"):
        _ = results.sdg


def test_kinds(curves_file):
    results = dynsweep.load(curves_file)
    assert results.kind("ode") == "theory"
    assert results.kind("sgd") == "simulation"
    assert results.kind("overlap-chain") == "simulation"


def test_job_and_provenance(curves_file):
    results = dynsweep.load(curves_file)
    assert results.job["parameters"]["L"] == [2, 4, 8]
    assert results.job_text.lstrip().startswith("name: curves")
    assert results.attrs["model"] == "sequence-single-index"


def test_the_job_is_what_the_program_understood(tmp_path):
    settings = (
        *("L=[2]", "gamma=0.1", "seeds=2", "figure.hue=none", "figure.at={gamma: 0.1}"),
        *("record.times=[1, 2]", "limits.tasks=1000"),
    )
    arguments = [part for setting in settings for part in ("--set", setting)]
    results = dynsweep.load(run(CURVES, tmp_path, *arguments))
    assert results.job["parameters"] == {
        "d": 100,
        "student": ["tied", "untied"],
        "L": [2],
        "target": "inversesqrtsum",
        # The symbol is resolved, and what it replaces is gone.
        "step_size": 0.1,
        "init_scale": 0.3,
    }
    assert results.job["figure"] == {
        **{"x": "time", "y": "overlap", "hue": "none", "panels": "L"},
        "at": {"step_size": 0.1},
    }
    assert results.job["record"]["times"] == [1, 2]
    assert results.job["limits"] == {"tasks": 1000}
    assert results.job["seeds"] == 2
    assert results.job["methods"] == ["sgd", "overlap-chain", "ode"]
    # As written: what a run is made from again.
    assert results.job_text.strip() == CURVES.strip()
    assert results.overrides == list(settings)
    # JSON is YAML of every version.
    assert yaml.safe_load(results.attrs["effective_job"]) == results.job


def test_repr_says_what_is_done(partial_file):
    text = repr(dynsweep.load(partial_file))
    assert "sgd: simulation, 24 of 30 tasks done, 4 pending, 1 failed, 1 diverged" in text
    assert "ode: theory, 6 of 6 tasks done" in text


#: L and student are axes of the simulation and fixed for the theory.
FIXED_FOR_ONE = """
model: sequence-single-index
methods: [sgd, ode]
parameters:
  d: 50
  L: [2, 4]
  student: [tied, untied]
  target: inversesqrtsum
  step_size: 0.3
  init_scale: 0.3
per_method: {ode: {L: 2, student: untied}}
seeds: 2
record: {times: [0, 10, 100], observables: [overlap]}
output: fixed.h5
"""


def test_an_axis_of_one_method_may_be_fixed_for_another(tmp_path):
    file = run(FIXED_FOR_ONE, tmp_path)
    results, other = dynsweep.load(file), dynsweep.load(file, engine="netcdf4")
    assert (results["ode"].L.item(), results["ode"].student.item()) == (2, "untied")
    assert results["ode"].overlap.dims == ("time",)
    assert results["sgd"].L.values.tolist() == [2, 4]
    for method in results:
        xr.testing.assert_equal(results[method], other[method])
        for name in other[method].coords:
            mine, theirs = results[method][name].attrs, other[method][name].attrs
            assert {key: str(value) for key, value in mine.items()} == {
                key: str(value) for key, value in theirs.items()
            }
    # The theory is that of one place: it is compared there, and the legend says so.
    item = dynsweep.theory_vs_simulation(results, "overlap")["overlap"]
    assert item.dataset.L.values.tolist() == [2]
    assert item.dataset.student.values.tolist() == ["untied"]
    assert abs(item.dataset.difference).max() < 0.3
    backward = dynsweep.theory_vs_simulation(results, "overlap", simulation="ode", theory="sgd")
    assert backward["overlap"].dataset.sizes == {"time": 3}
    np.testing.assert_allclose(
        backward["overlap"].dataset.theory, item.dataset.simulation.squeeze(), rtol=1e-14
    )
    figure = draw(results)
    assert "student =" not in figure._suptitle.get_text(), "it is not fixed for all"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "ode\nat L = 2, student = untied" in legend
    results.close()


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.h5"):
        dynsweep.load(tmp_path / "nothing.h5")
    foreign = tmp_path / "foreign.h5"
    xr.Dataset({"x": ("n", [1.0, 2.0])}).to_netcdf(foreign, engine="h5netcdf")
    with pytest.raises(ValueError, match="not a result file"):
        dynsweep.load(foreign)
