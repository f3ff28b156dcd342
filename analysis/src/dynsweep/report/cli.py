"""The command ``dynsweep-report``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dynsweep.output import check_output
from dynsweep.report.page import report
from dynsweep.results import load


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="dynsweep-report",
        description="Writes one HTML page about a result file, finished or not: figures, agreement"
        " of theory and simulation, what is done, failed points and their reasons, provenance,"
        " the job.",
    )
    made.add_argument("file", nargs="+", help="a result file; several are joined")
    made.add_argument(
        "-o",
        "--output",
        type=Path,
        help="the page, - for standard output; default: FILE with .html",
    )
    made.add_argument(
        "--y",
        metavar="OBSERVABLE",
        nargs="+",
        default=[],
        help="a figure of each of these; default: the job's own figure",
    )
    made.add_argument(
        "--job",
        metavar="JOB.yaml",
        type=Path,
        help="take the 'figure' block from this job instead of the file's own",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (0, or 2 for what cannot be reported)."""
    options = parser().parse_args(arguments)
    try:
        with load(options.file) as results:
            if options.job is not None:
                results = results.with_job(options.job.read_text(encoding="utf-8"))
            page = report(results, options.y)
            output: Path = options.output or results.path.with_suffix(".html")
        if str(output) in ("-", "/dev/stdout"):
            sys.stdout.write(page)
            sys.stdout.flush()
            return 0
        check_output(output, [*options.file, *([options.job] if options.job else [])])
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page, encoding="utf-8")
    except (ValueError, OSError) as error:
        print(f"dynsweep-report: {error}", file=sys.stderr)
        return 2
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
