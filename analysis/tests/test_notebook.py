"""The notebook, run from its first cell to its last on a real file."""

import sys

import nbformat
import pytest
from conftest import ROOT, run
from nbclient import NotebookClient
from test_docs import smaller

NOTEBOOK = ROOT / "analysis" / "notebooks" / "first-look.ipynb"


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    job = smaller((ROOT / "jobs" / "quickstart.yaml").read_text())
    return run(job, folder, "--output", "quickstart.h5")


def test_it_runs_and_draws_three_figures(quickstart, monkeypatch):
    monkeypatch.setenv("DYNSWEEP_FILE", str(quickstart))
    # The test's own Python, whatever kernels are installed.
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3")
    manager = client.create_kernel_manager()
    manager.kernel_spec.argv[0] = sys.executable
    client.execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    pictures = [out for out in outputs if "image/png" in out.get("data", {})]
    assert len(pictures) == 3
    assert all(len(out["data"]["image/png"]) > 10_000 for out in pictures)
    assert not [out for out in outputs if out.output_type in ("error", "stream")]
    table = outputs[-1]["data"]["text/plain"].splitlines()
    exponents = {line.split()[0]: [float(item) for item in line.split()[1:3]] for line in table[2:]}
    for student, exponent in (("untied", 1), ("tied", 0)):
        assert exponents[student][0] == pytest.approx(exponent, abs=5 * exponents[student][1])


def test_it_is_stored_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
