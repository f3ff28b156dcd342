"""Result files opened by what their users have: both engines of xarray, netCDF4 and h5py."""

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

AXES = ("student", "L")


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_groups_open_alone_with_all_their_coordinates(curves_file, engine):
    with xr.open_dataset(curves_file, group="sgd", engine=engine) as sgd:
        assert sgd.overlap.dims == (*AXES, "seed", "time")
        assert sgd.overlap_vec.dims[:4] == sgd.overlap.dims
        assert list(sgd.student.values) == ["tied", "untied"]
        assert list(sgd.L.values) == [2, 4, 8]
        assert list(sgd.seed.values) == [3, 4, 5, 6, 7]
        assert sgd.time.dtype == np.float64
        assert float(sgd.coords["step_size"]) == 0.4
        assert set(sgd.error.values.ravel()) == {""}
        assert (sgd.status == 1).all()
        assert sgd.overlap.attrs["symbol"]
        assert np.isfinite(sgd.overlap).all()
        # One overlap a token: what lies beyond L is padding.
        assert np.isnan(sgd.overlap_vec.sel(L=2)[..., 2:]).all()


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_the_whole_file_is_a_tree(curves_file, engine):
    with xr.open_datatree(curves_file, engine=engine) as tree:
        assert set(tree.children) == {"sgd", "overlap-chain", "ode"}
        assert tree.attrs["complete"] == 1
        assert "parameters" in tree.attrs["job"]


def test_engines_agree(curves_file):
    for group in ("sgd", "overlap-chain", "ode"):
        with (
            xr.open_dataset(curves_file, group=group, engine="h5netcdf") as one,
            xr.open_dataset(curves_file, group=group, engine="netcdf4") as other,
        ):
            xr.testing.assert_equal(one.load(), other.load())


def test_plain_libraries_read_names_and_texts(curves_file):
    with h5py.File(curves_file) as file:
        overlap = file["sgd/overlap"]
        assert [dim[0].name for dim in overlap.dims] == [
            f"/sgd/{name}" for name in (*AXES, "seed", "time")
        ]
        assert isinstance(file.attrs["job"], str)
        assert overlap.compression == "gzip"
        assert overlap.shuffle
        assert overlap.fletcher32
    with netCDF4.Dataset(curves_file) as file:
        status = file["sgd"]["status"]
        assert status.dimensions == (*AXES, "seed")
        assert status.flag_meanings == "pending done failed diverged excluded spared suspect"
