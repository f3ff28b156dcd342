"""The examples of the documentation, run as they stand with the real binary.

Blocks fenced as ``bash test`` or ``python test`` are run in one folder a page, in order. That
folder has the repository's jobs under their own names, made smaller, so that the text can show
the real ones. A block fenced as ``yaml job`` stands there under the job's name.
"""

import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from conftest import BINARY, ROOT, environment

PAGES = ("README.md", "docs/running.md", "docs/analysis.md", "docs/dmft.md")

#: The jobs, as named below jobs/.
JOBS = sorted(str(path.relative_to(ROOT / "jobs")) for path in (ROOT / "jobs").rglob("*.yaml"))

#: What makes each job take a moment; axes and methods stay.
SMALLER = {"d": 100}


def blocks(page, *kinds):
    text = (ROOT / page).read_text()
    return [
        (kind, body)
        for kind, body in re.findall(r"^```([\w ]+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        if kind in kinds
    ]


def smaller(text):
    job = yaml.safe_load(text)
    job["parameters"] |= SMALLER
    job["seeds"] = 3
    job["record"]["times"] = {"linspace": [0, 20, 21]}
    return yaml.safe_dump(job, sort_keys=False)


def execute(kind, body, folder):
    command = ["bash", "-euo", "pipefail", "-c", body]
    if kind.startswith("python"):
        command = [sys.executable, "-W", "error", "-c", body]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment() | {"MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("page", PAGES)
def test_examples_run_as_written(page, tmp_path):
    (tmp_path / "jobs").mkdir()
    job = smaller((ROOT / "jobs" / "quickstart.yaml").read_text())
    (tmp_path / "jobs" / "quickstart.yaml").write_text(job)
    if page == "docs/analysis.md":
        done = execute("bash", "dynsweep run jobs/quickstart.yaml", tmp_path)
        assert done.returncode == 0, done.stderr
    for _, text in blocks(page, "yaml job"):
        (tmp_path / f"{yaml.safe_load(text)['name']}.yaml").write_text(text)
    found = blocks(page, "bash test", "python test")
    assert len(found) >= 2
    for kind, body in found:
        done = execute(kind, body, tmp_path)
        assert done.returncode == 0, f"{body}\n{done.stdout}\n{done.stderr}"
    made = "theory.h5" if page == "docs/dmft.md" else "quickstart.h5"
    assert (tmp_path / "results" / made).exists()


def test_the_readmes_job_is_the_quickstart():
    ((_, text),) = blocks("README.md", "yaml job")
    shown = yaml.safe_load(text)
    real = yaml.safe_load((ROOT / "jobs" / "quickstart.yaml").read_text())
    for name, value in shown["parameters"].items():
        assert real["parameters"][name] == value
    for key in shown.keys() - {"parameters"}:
        assert real[key] == shown[key]


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_jobs_are_valid(page, tmp_path):
    for _, text in blocks(page, "yaml job"):
        (tmp_path / "job.yaml").write_text(text)
        done = execute("bash", "dynsweep plan job.yaml", tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""


@pytest.mark.parametrize("job", JOBS)
def test_every_job_is_valid_and_says_what_to_expect(job, tmp_path):
    path = ROOT / "jobs" / job
    text = path.read_text()
    head = text[: text.index("name:")]
    assert head.startswith("# ")
    assert re.search(r"\b\d{4}\.\d{5}\b", head), "it names the paper whose figure it is"
    assert "What to expect" in head
    assert "un time" in head
    done = execute("bash", f"dynsweep plan '{path}'", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_readme_lists_every_job():
    listed = re.findall(r"^\| \[jobs/(.*?)\]", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == JOBS


PAGE_PATHS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", PAGE_PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path} links to {target}"


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        if page.name != "README.md":
            assert f"({page.name})" in index


def test_the_picture_is_small():
    picture: pathlib.Path = ROOT / "docs" / "images" / "quickstart.png"
    assert 10_000 < picture.stat().st_size < 300_000


def test_exit_codes_of_the_page_are_those_of_the_program():
    text = (ROOT / "docs" / "running.md").read_text()
    source = (ROOT / "Sources" / "Coordinator" / "ExitCode.swift").read_text()
    said = set(re.findall(r"^\| (\d+) \|", text, re.MULTILINE))
    assert said == set(re.findall(r"case \w+ = (\d+)", source))
    assert BINARY.exists()
