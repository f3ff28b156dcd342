"""A result file as one HTML page that needs nothing else."""

from dynsweep.report.page import report

__all__ = ["report"]
