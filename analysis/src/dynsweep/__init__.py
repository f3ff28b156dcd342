"""Results of dynsweep: one xarray dataset a method, statistics over seeds, figures.

>>> import dynsweep
>>> results = dynsweep.load("results/quickstart.h5")      # doctest: +SKIP
>>> results["sgd"].overlap                                # doctest: +SKIP
>>> dynsweep.mean(results["sgd"]).overlap                 # doctest: +SKIP
"""

from dynsweep.agreement import Agreement, Comparison, theory_vs_simulation
from dynsweep.crossing import crossing
from dynsweep.join import JoinError
from dynsweep.plots import curves, heatmap, trajectories
from dynsweep.results import Results, load
from dynsweep.scaling import scaling
from dynsweep.seeds import STATUS, done, mean, quantiles, sem, statistics, status_counts, where_done
from dynsweep.table import to_dataframe

__all__ = [
    "STATUS",
    "Agreement",
    "Comparison",
    "JoinError",
    "Results",
    "crossing",
    "curves",
    "done",
    "heatmap",
    "load",
    "mean",
    "quantiles",
    "scaling",
    "sem",
    "statistics",
    "status_counts",
    "theory_vs_simulation",
    "to_dataframe",
    "trajectories",
    "where_done",
]
__version__ = "0.2.0"
