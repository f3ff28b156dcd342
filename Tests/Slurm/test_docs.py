"""What the documentation says about Slurm, done as it stands there.

Blocks fenced as ``bash slurm`` are run in one folder, in order; after each that submits, the jobs are waited for.
"""

import os
import re
import time

import pytest
import yaml
from conftest import BINARY, ROOT, SWEEP, integration


def blocks(page):
    return re.findall(r"^```bash slurm\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def shell(desk):
    """Runs lines as a user types them, with dynsweep on the path."""
    (desk.folder / "jobs").mkdir()
    job = yaml.safe_load((ROOT / "jobs" / "quickstart.yaml").read_text())
    job["parameters"]["d"] = 100
    job["record"]["times"] = {"linspace": [0, 20, 21]}
    (desk.folder / "jobs" / "quickstart.yaml").write_text(yaml.safe_dump(job, sort_keys=False))
    desk.cluster.variables["PATH"] = f"{BINARY.parent}{os.pathsep}{os.environ['PATH']}"
    yield lambda text: desk.cluster.run("bash", "-euo", "pipefail", "-c", text, cwd=desk.folder)
    del desk.cluster.variables["PATH"]


def wait_for_empty_queue(desk, timeout=180):
    end = time.monotonic() + timeout
    while desk.cluster.run("squeue", "-h", "--me").stdout:
        assert time.monotonic() < end, desk.cluster.run("squeue").stdout
        time.sleep(0.2)


def test_the_page_on_clusters(desk, shell):
    found = blocks("docs/cluster.md")
    assert len(found) >= 4
    for text in found:
        done = shell(text)
        if "dynsweep submit" in text:
            wait_for_empty_queue(desk)
        assert "error" not in done.stderr
    for name in ("quickstart", "shares"):
        assert desk.dynsweep("status", f"results/{name}.h5", code=None).returncode == 0
    integration.assert_same(desk.folder / "results/quickstart.h5", desk.folder / "results/shares.h5")


def test_a_batch_script_of_ones_own(desk, shell, whole):
    ((script),) = blocks("docs/running.md")
    desk.write(SWEEP)
    text = script.replace("--ntasks=64", "--ntasks=2").replace("dynsweep run", "dynsweep-testbench run")
    assert text != script
    desk.write(text, "run.sbatch")
    number = shell("sbatch --parsable run.sbatch").stdout.strip()
    journal = desk.folder / "out.h5.journal"
    desk.cluster.wait(number, lambda _: journal.exists() and journal.stat().st_size > 4000, "computing")
    # The warning, as Slurm sends it: to the steps.
    desk.cluster.run("scancel", "--signal=USR1", number)
    job = desk.cluster.wait_end(number)
    assert (job["JobState"], job["ExitCode"]) == ("FAILED", "75:0")
    job = desk.cluster.wait_end(shell("sbatch --parsable run.sbatch").stdout.strip())
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0")
    integration.assert_same(whole, desk.folder / "out.h5")


def test_what_failures_print_is_what_the_page_says():
    """Each text of the page's last part is in the sources, apart from names and numbers."""
    page = (ROOT / "docs" / "cluster.md").read_text()
    part = page[page.index("## When something is wrong") : page.index("## The private test cluster")]
    sources = "".join(
        re.sub(r'"\s*\\?\s*\+?\s*"', "", path.read_text())
        for path in [*(ROOT / "Sources").rglob("*.swift"), ROOT / "slurm" / "job.sbatch"]
    )
    texts = re.findall(r"^```text\n(.*?)^```$", part, re.DOTALL | re.MULTILINE)
    assert len(texts) >= 6
    for text in texts:
        first = text.splitlines()[0].split("error: ", 1)[-1]
        pieces = [piece for piece in re.split(r"Open MPI v[\d.]+|\d+|pmix|sbatch|'[^']*'|\(.*?\)", first) if len(piece) > 8]
        assert pieces
        for piece in pieces:
            assert piece.strip() in sources, f"'{piece}' is printed nowhere"
