"""Results of dynsweep: one xarray dataset a method, statistics over seeds, figures.

>>> import dynsweep
>>> results = dynsweep.load("results/quickstart.h5")      # doctest: +SKIP
>>> results["sgd"].overlap                                # doctest: +SKIP
>>> dynsweep.mean(results["sgd"]).overlap                 # doctest: +SKIP
"""

from dynsweep.results import Results, load
from dynsweep.seeds import STATUS, done, mean, sem, statistics, status_counts, where_done

__all__ = [
    "STATUS",
    "Results",
    "done",
    "load",
    "mean",
    "sem",
    "statistics",
    "status_counts",
    "where_done",
]
__version__ = "0.2.0"
