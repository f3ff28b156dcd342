"""Where a figure is drawn: a figure of its own, or axes that the caller has."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynsweep.figure import style
from dynsweep.figure.spec import FigureError


@dataclass
class Canvas:
    """A figure whose panels are made when their number is known, or one given axes."""

    figure: Figure
    #: The caller's axes: they get the single panel and its legend, nothing else is touched.
    given: Axes | None = None
    axes: list[Axes] = field(default_factory=list)

    def make_panels(
        self, count: int, size: tuple[float, float], margin: tuple[float, float]
    ) -> list[Axes]:
        """Return panels side by side, three in a row, sharing both axes.

        :param size: width and height of a panel in inches
        :param margin: what stands beside and above all of them
        """
        if self.given is not None:
            if count != 1:
                raise FigureError(
                    f"given axes hold one panel, not {count}: panels='none' or at=..."
                )
            self.axes = [self.given]
            return self.axes
        columns = min(count, 3)
        rows = math.ceil(count / columns)
        self.figure.set_size_inches(columns * size[0] + margin[0], rows * size[1] + margin[1])
        self.figure.set_layout_engine("constrained")
        grid = self.figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        flat = list(grid.flat)
        for spare in flat[count:]:
            spare.remove()
        self.axes = flat[:count]
        return self.axes

    def legend(self, **options: Any) -> None:  # noqa: ANN401
        """Put a legend beside the panels, or into the caller's axes."""
        if self.given is not None:
            self.given.legend(frameon=False, **options)
        else:
            self.figure.legend(loc="outside right upper", frameon=False, **options)

    def label(self, x: str, y: str) -> None:
        """Label panels that share their axes once, below the middle and beside the first.

        A figure's own label is centred under its legend too, so it is the last resort.
        """
        axes, figure = self.axes, self.figure
        if len(axes) in (1, 2, 3):
            axes[0].set_ylabel(y)
        else:
            figure.supylabel(y, fontsize=style.LABEL_SIZE)
        if len(axes) in (1, 3):
            axes[len(axes) // 2].set_xlabel(x)
        else:
            figure.supxlabel(x, fontsize=style.LABEL_SIZE)

    def reference_lines(self, xs: tuple[float, ...], ys: tuple[float, ...]) -> None:
        """Draw thin dashed lines at values the reader knows (a threshold, a floor)."""
        look: dict[str, Any] = {"color": "#888888", "linewidth": 0.8, "linestyle": (0, (4, 3))}
        for axes in self.axes:
            for x in xs:
                axes.axvline(x, zorder=1, **look)
            for y in ys:
                axes.axhline(y, zorder=1, **look)
