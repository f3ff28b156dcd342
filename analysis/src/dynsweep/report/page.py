"""The page: parts put together, pictures inside, no scripts and nothing from the network."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from matplotlib.figure import Figure

from dynsweep.agreement import theory_vs_simulation
from dynsweep.figure import FigureError, FigureSpec, draw_on, notes
from dynsweep.figure.canvas import Canvas
from dynsweep.report import parts
from dynsweep.report.parts import Table
from dynsweep.results import Results
from dynsweep.seeds import status_counts

#: What a theory may be off, as a part of the largest value: finite size, an integrator's accuracy.
TOLERANCE = 1e-4

_STYLE = """\
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto;
  max-width: 72rem; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p { margin: .4rem 0; max-width: 52rem; } .state { font-weight: 600; }
.complete { color: #006b4f; } .partial { color: #a04a00; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #555; font-size: .9rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0;
  border-bottom: 1px solid #ddd; overflow-wrap: break-word; white-space: pre-line; }
th { font-weight: 600; white-space: nowrap; } .number { text-align: right; white-space: nowrap; }
pre { background: #f6f6f6; padding: .8rem 1rem; overflow-x: auto; font-size: .85rem; }
"""


def report(results: Results, observables: Sequence[str] = ()) -> str:
    """Return a self-contained HTML page about a result file.

    It holds the figures, the agreement of theory and simulation, what is done, failed points with
    their reasons, where the results come from, and the job.

    :param observables: a figure of each; the job's own figure when empty
    :raises FigureError: when an observable is not in the file
    """
    name = str(results.job.get("name", results.path.stem))
    body = [f"<h1>{escape(name)}</h1>", _state(results), *_figures(results, observables)]
    compared = theory_vs_simulation(results, tolerance=TOLERANCE)
    body.append("<h2>Theory against simulation</h2>")
    if len(compared):
        body.append(
            "<p>z is the difference of the means in combined standard errors, where the theory may"
            f" be off by {TOLERANCE:g} of the largest value; chance alone gives a root mean square"
            " near 1 and 95 % within 2. The largest difference is a part of the largest value.</p>"
        )
        body.append(_table(parts.agreement(compared)))
    body += [f"<p>Not compared: {escape(item)}.</p>" for item in compared.skipped]
    if not len(compared) and not compared.skipped:
        body.append("<p>Nothing to compare: no simulation and theory share an observable.</p>")
    body += ["<h2>What is done</h2>", _table(parts.completeness(results))]
    failed = parts.failures(results)
    if failed.rows:
        body += ["<h2>Failed points</h2>", _table(failed)]
    body += ["<h2>Grid</h2>", _table(parts.grid(results))]
    body += ["<h2>Where it comes from</h2>", _table(parts.provenance(results))]
    body += ["<h2>Job</h2>", f"<pre>{escape(results.job_text.strip())}</pre>"]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(name)}</title>",
            f"<style>\n{_STYLE}</style>",
            "</head>",
            "<body>",
            *body,
            "</body>",
            "</html>",
            "",
        ]
    )


def _state(results: Results) -> str:
    counts: dict[str, int] = {}
    for dataset in results.values():
        for state, count in status_counts(dataset).items():
            counts[state] = counts.get(state, 0) + count
    total = sum(counts.values()) - counts.get("excluded", 0) - counts.get("spared", 0)
    kind, word = ("complete", "Complete") if results.is_complete else ("partial", "Not complete")
    lost = [f"{counts[state]} {state}" for state in ("failed", "diverged") if counts.get(state)]
    more = ", " + ", ".join(lost) if lost else ""
    if lost and results.is_complete:
        kind, word = "partial", "Complete, with failures"
    model = escape(str(results.attrs.get("model", "")))
    return (
        f'<p><span class="state {kind}">{word}</span>: {counts.get("done", 0)} of {total} tasks'
        f" done{more}. Model <code>{model}</code>.</p>"
    )


def _figures(results: Results, observables: Sequence[str]) -> list[str]:
    made = []
    wanted: Sequence[str | None] = observables or [None]
    for name in wanted:
        figure = Figure()
        try:
            settled = draw_on(Canvas(figure), results, FigureSpec(y=name))
        except FigureError as error:
            if name is not None:
                raise
            # A page without a figure still says what is done and what failed.
            made.append(f"<p>No figure: {escape(str(error))}.</p>")
            continue
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
        data = base64.b64encode(stream.getvalue()).decode()
        shown = settled.colour if hasattr(settled, "colour") else settled.y
        said = escape("; ".join(notes(results, settled)).replace("$", "").replace("\\", ""))
        made.append(
            f'<figure><img alt="{escape(shown)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{escape(shown)}{': ' + said if said else ''}</figcaption></figure>"
        )
    return made


def _table(table: Table) -> str:
    def row(tag: str, cells: list[str]) -> str:
        marked = (
            f"<{tag}{' class=number' if index in table.numeric else ''}>{escape(cell)}</{tag}>"
            for index, cell in enumerate(cells)
        )
        return f"<tr>{''.join(marked)}</tr>"

    head = row("th", table.columns) if any(table.columns) else ""
    rows = "\n".join(row("td", cells) for cells in table.rows)
    return f'<div class="wide"><table>\n{head}\n{rows}\n</table></div>'
