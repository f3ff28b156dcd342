"""Several files as one: shards, partial files, grids computed apart."""

import shutil

import h5py
import numpy as np
import pytest
import xarray as xr
from conftest import CURVES, run

import dynsweep
from dynsweep.seeds import BOOKKEEPING

TIMING = {"wall_seconds", "mpi_rank", "build"}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for part in ("1/2", "2/2"):
        run(CURVES, folder, "--shard", part, count=None)
    return sorted(folder.glob("*.h5"))


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Grids of other lengths and dimensions, computed apart."""
    folder = tmp_path_factory.mktemp("apart")
    long = ["--set", "L=[4,16]", "--set", "seeds=6", "--output", "long.h5"]
    large = ["--set", "d=200", "--set", "L=[3,4]", "--output", "large.h5"]
    for arguments in (long, large):
        run(CURVES, folder, *arguments, count=None)
    return [folder / "long.h5", folder / "large.h5"]


def test_shards_are_the_whole_and_read_when_used(shards, curves_file):
    assert len(shards) == 2
    alone = dynsweep.load(shards[0])
    assert dynsweep.status_counts(alone["sgd"])["pending"] > 0
    assert not alone.is_complete
    joined = dynsweep.load(shards)
    assert joined.is_complete
    whole = dynsweep.load(curves_file)
    assert tuple(joined) == tuple(whole)
    for method in whole:
        assert set(joined[method].variables) == set(whole[method].variables)
        for name in set(whole[method].data_vars) - TIMING:
            variable = joined[method][name]
            assert not variable.variable._in_memory
            # A part first: it is cut out before it is read.
            part = {"L": [2, 0], "student": 1}
            xr.testing.assert_equal(variable.isel(part), whole[method][name].isel(part))
            assert not variable.variable._in_memory
            xr.testing.assert_equal(variable, whole[method][name])
            assert variable.attrs["long_name"] == whole[method][name].attrs["long_name"]


def test_a_pattern_names_files(shards, tmp_path):
    joined = dynsweep.load(str(shards[0].parent / "*.shard-*.h5"))
    assert [part.path for part in joined.parts] == shards
    assert "and 1 more" in repr(joined)
    with pytest.raises(FileNotFoundError, match=r"no result file matches .*none\*"):
        dynsweep.load(str(tmp_path / "none*.h5"))
    with pytest.raises(FileNotFoundError):
        dynsweep.load([])


def test_grids_are_joined_along_all_axes(curves_file, apart):
    joined = dynsweep.load([curves_file, *apart])
    sgd = joined["sgd"]
    assert sgd.d.values.tolist() == [100, 200], "fixed in each file, so an axis of the whole"
    assert sgd.L.values.tolist() == [2, 3, 4, 8, 16]
    assert sgd.seed.values.tolist() == list(range(8))
    assert sgd.sizes["token"] == 16
    for file, d, length, seed in (
        (curves_file, 100, 8, 7),
        (apart[0], 100, 16, 0),
        (apart[1], 200, 3, 3),
        (apart[1], 200, 4, 7),
        # Both files have L = 4 of d = 100, but other seeds of it.
        (apart[0], 100, 4, 1),
        (curves_file, 100, 4, 6),
    ):
        point = {"student": "untied", "L": length, "seed": seed}
        expected = dynsweep.load(file)["sgd"].overlap_vec.sel(point)
        found = sgd.overlap_vec.sel(point | {"d": d})
        assert np.isfinite(expected.isel(token=slice(0, length))).all()
        np.testing.assert_array_equal(found.isel(token=slice(0, expected.sizes["token"])), expected)
        assert np.isnan(found.isel(token=slice(expected.sizes["token"], None))).all()
    # Nobody computed L = 16 at d = 200: not pending, but in no grid.
    assert joined["ode"].status.sel(d=200, L=16, student="tied").item() == 4
    assert joined.is_complete
    counts = dynsweep.status_counts(sgd)
    singles = [dynsweep.status_counts(dynsweep.load(file)["sgd"]) for file in (curves_file, *apart)]
    twice = 2 * 3  # L = 4, both students, seeds 3 ... 5
    assert counts["done"] == sum(single["done"] for single in singles) - twice
    means = dynsweep.mean(sgd).overlap
    assert np.isfinite(means.sel(d=100, L=4)).all()
    assert np.isnan(means.sel(d=200, L=16)).all()


def test_values_that_move_together_make_one_axis(tmp_path):
    files = []
    for d, step in ((100, 0.4), (200, 0.2)):
        name = f"d{d}.h5"
        values = ["--set", f"d={d}", "--set", f"step_size={step}", "--set", "L=[2]"]
        run(CURVES, tmp_path, *values, "--output", name, count=None)
        files.append(tmp_path / name)
    sgd = dynsweep.load(files)["sgd"]
    assert sgd.step_size.dims == ("d",)
    assert sgd.step_size.values.tolist() == [0.4, 0.2]
    assert sgd.step_size.attrs["symbol"] == "gamma"
    assert (sgd.status == 1).all()


def test_a_finished_task_counts_more_than_a_failed_or_pending_one(curves_file, partial_file):
    whole = dynsweep.load(curves_file)["sgd"]
    for files in ([partial_file, curves_file], [curves_file, partial_file]):
        sgd = dynsweep.load(files)["sgd"]
        assert (sgd.status == 1).all()
        xr.testing.assert_equal(sgd.overlap, whole.overlap)


def test_a_mean_over_seeds_is_that_of_all_seeds(fraction_file, tmp_path):
    halves = []
    for number in range(2):
        half = tmp_path / f"half{number}.h5"
        shutil.copy(fraction_file, half)
        with h5py.File(half, "r+") as file:
            group = file["overlap-chain"]
            status = group["status"][()]
            status[..., slice(0, 3) if number else slice(3, None)] = 0
            group["status"][...] = status
            group["semantic_fraction"][...] = -1
        halves.append(half)
    joined = dynsweep.load(halves)["overlap-chain"]
    whole = dynsweep.load(fraction_file)["overlap-chain"]
    assert not joined.semantic_fraction.variable._in_memory
    np.testing.assert_allclose(joined.semantic_fraction, whole.semantic_fraction)
    assert joined.semantic_fraction.isel(omega=0).dims == ("step_size",)


def test_contradictions_are_refused(curves_file, tmp_path):
    other = tmp_path / "other.h5"
    shutil.copy(curves_file, other)
    with h5py.File(other, "r+") as file:
        file["sgd/overlap"][0, 0, 0, 3] += 1e-9
    with pytest.raises(dynsweep.JoinError, match="sgd: two files have different 'overlap'"):
        dynsweep.load([curves_file, other])
    with h5py.File(other, "r+") as file:
        file.attrs["model_revision"] += 1
    with pytest.raises(dynsweep.JoinError, match=r"different revisions of their model"):
        dynsweep.load([curves_file, other])
    with h5py.File(other, "r+") as file:
        file.attrs["model"] = "another"
    with pytest.raises(dynsweep.JoinError, match=r"different models: .* and another"):
        dynsweep.load([curves_file, other])


def test_bookkeeping_is_joined(shards):
    joined = dynsweep.load(shards)["sgd"]
    assert set(joined.data_vars) >= BOOKKEEPING
    assert (joined.wall_seconds > 0).all()
    assert set(joined.error.values.ravel()) == {""}
    joined.close()
