"""Power laws: a straight line through the points on log axes."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dynsweep.seeds import SEED, TIME, where_done

Numbers = NDArray[np.float64]
_NAMES = {
    "exponent": "exponent b of the power law a x^b",
    "exponent_error": "standard error of b",
    "prefactor": "prefactor a of the power law a x^b",
    "prefactor_error": "standard error of a",
    "chi2": "sum of squared residuals in standard errors",
    "dof": "points less the two parameters",
    "p_value": "chance of a larger chi2 if the law holds",
    "points": "points in the fit",
}


def scaling(
    dataset: xr.Dataset,
    name: str,
    along: str,
    *,
    between: tuple[float, float] | None = None,
    error: str | None = None,
) -> xr.Dataset:
    """Fit ``log y = log a + b log x`` to an observable's mean over seeds along an axis.

    Each point has the standard error of its logarithm, ``sem/|mean|``, and the weight of its
    inverse square. Errors of a and b follow from those of the points, which are independent along
    a job's axis. Along ``time`` they share their runs: there the errors are those of a jackknife
    over whole runs, and ``p_value``, which needs independent points, is NaN.

    Without errors (a theory, a single seed) all points have the same weight, the errors of a and b
    follow from the scatter about the line, and ``chi2`` is NaN.

    Points with a mean that is not positive, or without an error where others have one, are left
    out; ``points`` says how many are in. With fewer than three points all is NaN.

    :param along: an axis, a coordinate along one, or ``time``; positive numbers
    :param between: only points with x in this range, ends included
    :param error: the variable with the points' standard errors, when they do not come from seeds,
        as in what :func:`dynsweep.crossing` returns
    :returns: ``exponent``, ``prefactor``, their errors, ``chi2``, ``dof``, ``p_value`` and
        ``points`` over the axes that are left
    :raises ValueError: when the observable has no such axis
    """
    values = where_done(dataset)[name] if "status" in dataset else dataset[name]
    if along not in values.coords or values.coords[along].ndim != 1:
        raise ValueError(
            f"{name!r} has no axis {along!r}; it has {', '.join(map(str, values.dims))}"
        )
    x = values.coords[along]
    dim = x.dims[0]
    if dim not in values.dims or x.dtype.kind not in "iuf":
        raise ValueError(f"{along!r} is no numeric axis of {name!r}")
    if SEED not in values.dims:
        values = values.expand_dims(SEED)
    rest = [str(other) for other in values.dims if other not in (SEED, dim)]
    array = values.transpose(*rest, SEED, dim).values.astype(float)
    if error is None:
        errors = np.full((*array.shape[:-2], array.shape[-1]), np.nan)
    else:
        errors = dataset[error].transpose(*rest, dim).values.astype(float)
    places = x.values.astype(float)
    inside = places > 0
    if between is not None:
        inside &= (places >= between[0]) & (places <= between[1])
    shape = array.shape[:-2]
    found = {key: np.full(shape, np.nan) for key in _NAMES}
    for point in np.ndindex(shape):
        fit = _fit(
            places[inside],
            array[point][:, inside],
            errors[point][inside],
            is_shared=along == TIME,
        )
        for key, value in fit.items():
            found[key][point] = value
    coords = {key: value for key, value in values.coords.items() if set(value.dims) <= set(rest)}
    return xr.Dataset(
        {key: (rest, data, {"long_name": _NAMES[key]}) for key, data in found.items()},
        coords=coords,
        attrs={"observable": name, "along": along},
    )


def _fit(x: Numbers, values: Numbers, given: Numbers, is_shared: bool) -> dict[str, float]:
    """Fit one line; ``values`` are (seed, x), ``given`` errors count instead of the seeds'."""
    count = np.isfinite(values).sum(axis=0)
    mean = np.nansum(values, axis=0) / np.maximum(count, 1)
    deviation = np.where(np.isfinite(values), values - mean, 0)
    usable = (count > 0) & (mean > 0)
    squares = (deviation**2).sum(axis=0) / np.maximum(count * (count - 1), 1)
    error = np.where(count >= 2, np.sqrt(squares), given)
    weighted = bool(np.isfinite(error[usable]).any())
    if weighted:
        usable &= np.isfinite(error)
        if (error[usable] <= 1e-12 * mean[usable]).all():
            weighted = False  # every run the same: errors of rounding are no weights
        else:
            usable &= error > 1e-12 * mean
    points = int(usable.sum())
    if points < 3:
        return {"points": points}
    log_x, log_y = np.log(x[usable]), np.log(mean[usable])
    sigma = error[usable] / mean[usable] if weighted else np.ones(points)
    weights = sigma**-2
    centre = (weights * log_x).sum() / weights.sum()
    spread = (weights * (log_x - centre) ** 2).sum()
    # Both parameters are linear in log y: slope = to_slope . log y, log a = to_log . log y.
    to_slope = weights * (log_x - centre) / spread
    to_log = weights / weights.sum() - centre * to_slope
    slope, log_a = float(to_slope @ log_y), float(to_log @ log_y)
    residuals = log_y - log_a - slope * log_x
    chi2, dof = float((weights * residuals**2).sum()), points - 2
    made = {
        "exponent": slope,
        "prefactor": math.exp(log_a),
        "dof": dof,
        "points": points,
    }
    if not weighted:
        scale = math.sqrt(chi2 / dof)
        errors = [scale * float(np.sqrt((part**2).sum())) for part in (to_slope, to_log)]
    elif is_shared:
        errors = _jackknife(values[:, usable], to_slope, to_log)
        made["chi2"] = chi2
    else:
        errors = [float(np.sqrt((part**2 * sigma**2).sum())) for part in (to_slope, to_log)]
        made |= {"chi2": chi2, "p_value": chi_squared_tail(chi2, dof)}
    return made | {"exponent_error": errors[0], "prefactor_error": made["prefactor"] * errors[1]}


def _jackknife(values: Numbers, *functionals: Numbers) -> list[float]:
    """Return the errors of linear functionals of log mean, leaving out one run at a time."""
    known = np.isfinite(values)
    left = known.sum(axis=0) - known
    sums = np.nansum(values, axis=0) - np.where(known, values, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(sums / left)
    runs = np.isfinite(logs).all(axis=1) & known.any(axis=1)
    count = int(runs.sum())
    if count < 2:
        return [math.nan for _ in functionals]
    return [
        float(np.sqrt((count - 1) * np.var(logs[runs] @ functional))) for functional in functionals
    ]


def chi_squared_tail(chi2: float, dof: int) -> float:
    """Return the chance that chi squared with ``dof`` degrees of freedom is above ``chi2``.

    A finite sum for whole ``dof``: Q(k/2, y) = Q(k/2 - 1, y) + y^(k/2 - 1) e^-y / Gamma(k/2).
    """
    half = chi2 / 2
    if half <= 0:
        return 1.0
    order = 0.5 if dof % 2 else 1.0
    total = math.erfc(math.sqrt(half)) if dof % 2 else math.exp(-half)
    while order < dof / 2 - 0.25:
        total += math.exp(order * math.log(half) - half - math.lgamma(order + 1))
        order += 1
    return min(total, 1.0)
