"""Colours, markers and lines that everybody can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

#: Okabe and Ito's palette for categories, without its yellow (too faint on white).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Lighter, for areas with black text and lines on them (Paul Tol's "light", colour-blind safe).
AREAS = ("#77AADD", "#EE8866", "#EEDD88", "#BBCC33", "#FFAABB", "#99DDFF", "#AAAA00", "#DDDDDD")
ORDERED_MAP = "viridis"
MARKERS = ("o", "D", "^", "s", "v", "P")
LINES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
#: Theory over words, between which there is no line.
DASHES = ("_", "x", "+", "1")
#: What depends on no hue.
NEUTRAL = "#333333"
#: More colours than this are read off a colour bar.
MOST_LEGEND_ENTRIES = 8
DPI = 150
LABEL_SIZE = 10
#: What a legend beside the panels takes of the figure's width.
LEGEND_INCHES = 1.9

_SETTINGS: Any = {
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelsize": LABEL_SIZE,
    "legend.fontsize": 8.5,
    "legend.title_fontsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "mathtext.fontset": "dejavusans",
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the package's style; the caller's own settings come back afterwards."""
    with mpl.rc_context(_SETTINGS):
        yield


def is_ordered(values: xr.DataArray) -> bool:
    """Whether values are numbers, so that their colours should show their order."""
    return values.dtype.kind in "iuf"


def colours(values: xr.DataArray) -> list[Any]:
    """Return a colour a value: along one map when ordered, from the palette else.

    More words than the palette has colours go along the map too: no colour stands for two.
    """
    count = values.size
    if is_ordered(values) or count > len(PALETTE):
        # The map's end is left out: pale yellow on white is hard to see.
        places = np.linspace(0, 0.82, count) if count > 1 else np.array([0.3])
        ranks = np.argsort(np.argsort(values.values)) if is_ordered(values) else range(count)
        return [mpl.colormaps[ORDERED_MAP](places[rank]) for rank in ranks]
    return list(PALETTE[:count])
