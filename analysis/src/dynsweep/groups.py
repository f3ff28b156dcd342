"""A file's groups as xarray datasets, also where h5netcdf needs help."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import xarray as xr

Engine = Literal["h5netcdf", "netcdf4"]

#: Attributes that are about the file's layout.
_LAYOUT = frozenset({"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST"})


def open_groups(path: Path, engine: Engine) -> Mapping[str, xr.Dataset]:
    """Open the root (``/``) and the groups below it (``/sgd``), values read when used.

    A parameter that is an axis of one method and fixed for another (``per_method``) is a scalar in
    a group, under the name of a dimension of the root. h5netcdf takes every variable of such a name
    for the dimension's own, and fails; these few scalars are read here.
    """
    scalars = _hidden_scalars(path) if engine == "h5netcdf" else {}
    if not scalars:
        return xr.open_groups(path, engine=engine)
    with h5py.File(path) as file:
        names = [name for name, item in file.items() if isinstance(item, h5py.Group)]
    groups = {"/": xr.open_dataset(path, engine=engine)}
    for name in names:
        own = scalars.get(name, {})
        dataset = xr.open_dataset(path, group=name, engine=engine, drop_variables=list(own))
        groups[f"/{name}"] = dataset.assign_coords(own)
    return groups


def _hidden_scalars(path: Path) -> dict[str, dict[str, xr.Variable]]:
    """Return the scalars of each group that have the name of a root's axis."""
    found: dict[str, dict[str, xr.Variable]] = {}
    with h5py.File(path) as file:
        axes = {name for name, item in file.items() if isinstance(item, h5py.Dataset) and item.ndim}
        for name, group in file.items():
            if not isinstance(group, h5py.Group):
                continue
            own = {key: _scalar(group[key]) for key in axes & set(group) if group[key].shape == ()}
            if own:
                found[name] = own
    return found


def _scalar(item: h5py.Dataset) -> xr.Variable:
    attrs = {key: _plain(value) for key, value in item.attrs.items() if key not in _LAYOUT}
    value = item.asstr()[()] if h5py.check_string_dtype(item.dtype) else item[()]
    return xr.Variable((), np.asarray(value), attrs)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return an attribute as xarray has it: text as str, one number as a number."""
    if isinstance(value, bytes):
        return value.decode()
    return value[0] if isinstance(value, np.ndarray) and value.size == 1 else value
