"""Results as a table: a row a point, seed and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import xarray as xr

from dynsweep.results import Results, observables
from dynsweep.seeds import SEED, TIME, done, statistics

if TYPE_CHECKING:
    import pandas as pd


def to_dataframe(
    results: Results | xr.Dataset,
    names: Sequence[str] | str | None = None,
    *,
    method: str | None = None,
    over_seeds: bool = False,
) -> pd.DataFrame:
    """Return observables as a tidy pandas DataFrame: axes, seed and time are columns.

    Only tasks that are done are in it. Fixed parameters are columns too. Observables without time
    are repeated at every time; those with dimensions of their own (kernels, tokens) are left out
    unless they are named.

    :param results: a result file (then there is a column ``method``), or one method's dataset
    :param names: the observables
    :param method: one method of a result file
    :param over_seeds: mean and standard error (``<name>_sem``) over seeds instead of each seed
    :raises KeyError: when no method has one of the names
    """
    import pandas as pd

    wanted = [names] if isinstance(names, str) else None if names is None else list(names)
    if isinstance(results, xr.Dataset):
        return _frame(results, wanted, over_seeds)
    frames = []
    for each in [method] if method is not None else results.methods:
        own = None if wanted is None else [n for n in wanted if n in observables(results[each])]
        if own == []:
            continue
        frame = _frame(results[each], own, over_seeds)
        frame.insert(0, "method", each)
        frames.append(frame)
    if not frames:
        raise KeyError(f"no method has {', '.join(wanted or ['an observable'])}")
    return pd.concat(frames, ignore_index=True)


def _frame(dataset: xr.Dataset, names: list[str] | None, over_seeds: bool) -> pd.DataFrame:
    tasks = dataset["status"].dims
    plain = {*tasks, TIME}
    chosen = names or [
        name for name in observables(dataset) if set(map(str, dataset[name].dims)) <= plain
    ]
    missing = [name for name in chosen if name not in dataset]
    if missing:
        raise KeyError(f"no observable {missing[0]!r}; there are {', '.join(observables(dataset))}")
    if over_seeds and SEED in tasks:
        values = statistics(dataset[[*chosen, "status"]])
        kept = values["seeds_done"] > 0
        columns = [c for name in chosen for c in (name, f"{name}_sem") if c in values]
        values = values[[*columns, "seeds_done"]]
    else:
        values, kept = dataset[chosen], done(dataset)
    values = values.assign(is_kept=kept)
    dims = [dim for dim in (*tasks, TIME) if dim in values.dims]
    dims += [dim for dim in values.dims if dim not in dims]
    # Coordinates over axes (zipped parameters, expressions) and fixed ones come with it.
    frame = values.to_dataframe(dim_order=dims).reset_index()
    return frame[frame.pop("is_kept").to_numpy(dtype=bool)].reset_index(drop=True)
