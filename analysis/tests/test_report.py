"""The page about a result file: what it says, and how a browser shows it."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import h5py
import numpy as np
import pytest
from matplotlib.image import imread

import dynsweep
from dynsweep.report import report
from dynsweep.report.cli import main
from dynsweep.report.parts import duration, percent


class Page(HTMLParser):
    """The tables, pictures and texts of a page."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.sources, self.tags, self.text = [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data):
        self.text += data
        if self.tags and self.tags[-1] in ("td", "th") and self.tables[-1]:
            self.tables[-1][-1][-1] += data.strip("\n")


@pytest.fixture
def failed_file(partial_file):
    with h5py.File(partial_file, "r+") as file:
        file["sgd/error"][0, 0, 0] = "matrix <C> is not positive & definite"
        file["sgd/error"][0, 0, 1] = "overlap is NaN at step 7"
    return partial_file


def test_it_says_what_is_done_and_what_failed(failed_file):
    page = Page(report(dynsweep.load(failed_file)))
    done = next(table for table in page.tables if table[0][:2] == ["method", "kind"])
    assert done[0][2:6] == ["tasks", "done", "pending", "failed"]
    assert done[1][:7] == ["sgd", "simulation", "30", "24", "4", "1", "1"]
    failed = next(
        table for table in page.tables if table[0][0] == "method" and "reason" in table[0]
    )
    assert failed[1:] == [
        ["sgd", "failed", "1", "matrix <C> is not positive & definite", "student=tied L=2 seed=3"],
        ["sgd", "diverged", "1", "overlap is NaN at step 7", "student=tied L=2 seed=4"],
    ]
    assert "Not complete: 60 of 66 tasks done, 1 failed, 1 diverged" in page.text


def test_a_sweep_that_ended_with_failures_does_not_look_well(failed_file):
    with h5py.File(failed_file, "r+") as file:
        status = file["sgd/status"][()]
        file["sgd/status"][...] = np.where(status == 0, 1, status)
    page = report(dynsweep.load(failed_file))
    assert '<span class="state partial">Complete, with failures</span>: 64 of 66 tasks done' in page


def test_times_and_parts_are_short():
    assert [duration(value) for value in (0, 4.4e-5, 0.0123, 2.34, 61, 7200)] == [
        *("0 s", "44 µs", "12 ms", "2.3 s", "1.0 min", "2.0 h")
    ]
    assert [percent(value) for value in (0, 3e-6, 0.0123, 0.2, 1.5)] == [
        *("0 %", "0.0003 %", "1.2 %", "20 %", "150 %")
    ]


def test_agreement_provenance_and_job(curves_file):
    results = dynsweep.load(curves_file)
    page = Page(report(results))
    compared = next(table for table in page.tables if table[0][0] == "observable")
    rows = {tuple(row[:3]): row for row in compared[1:]}
    expected = dynsweep.theory_vs_simulation(results, "overlap", tolerance=1e-4)["overlap"].row()
    row = rows["overlap", "sgd", "ode"]
    assert row[3:5] == [str(expected["points"]), "5"]
    assert row[5] == f"{expected['rms_z']:.2f}"
    assert "Complete: 66 of 66 tasks done." in page.text
    facts = {row[0]: row[1] for table in page.tables for row in table if len(row) == 2}
    assert facts["model"] == "sequence-single-index"
    assert facts["program version"] == str(results.attrs["program_version"])
    assert facts["git commit"] == str(results.attrs["git_commit"])
    assert results.job_text.strip() in page.text
    axes = next(table for table in page.tables if table[0][0] == "axis")
    assert ["L", "3", "2, 4, 8"] in [row[:3] for row in axes]
    assert "Failed points" not in page.text


def test_nothing_is_fetched(curves_file):
    html = report(dynsweep.load(curves_file), ["overlap", "overlap_vec"])
    page = Page(html)
    assert len(page.sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert not re.search(r"url\(|@import", html)


def test_a_file_without_results_yet_has_a_page(curves_file, tmp_path):
    path = tmp_path / "empty.h5"
    shutil.copy(curves_file, path)
    with h5py.File(path, "r+") as file:
        for method in ("sgd", "overlap-chain", "ode"):
            file[method]["status"][...] = 0
            for name in ("overlap", "overlap_vec", "weak_recovery_time"):
                file[method][name][...] = np.nan
    page = Page(report(dynsweep.load(path)))
    assert "Not complete: 0 of 66 tasks done." in page.text
    assert "no point is done in both" in page.text


def test_the_command(curves_file, tmp_path, capsys):
    out = tmp_path / "pages" / "report.html"
    assert main([str(curves_file), "-o", str(out), "--y", "overlap"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_text().startswith("<!doctype html>")
    assert main([str(curves_file), "--y", "overlab"]) == 2
    assert "no observable 'overlab'" in capsys.readouterr().err
    assert main([str(tmp_path / "none.h5")]) == 2


def test_a_browser_shows_it(failed_file, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no chromium on this machine")
    page, shot = tmp_path / "report.html", tmp_path / "shot.png"
    assert main([str(failed_file), "-o", str(page)]) == 0
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--window-size=1100,2600", f"--screenshot={shot}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert shot.exists(), done.stderr
    picture = imread(shot)[:, :, :3]
    assert picture.shape[:2] == (2600, 1100)

    def where(colour):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.argwhere(np.abs(picture - rgb).max(axis=2) < 0.02)

    # The figure's two hues, within the page's width; below it text down to the job's grey box.
    for colour in ("#0072B2", "#D55E00"):
        places = where(colour)
        assert len(places) > 200
        assert places[:, 0].max() < 700
        assert places[:, 1].max() < 1080
    assert len(where("#a04a00")) > 20, "it is said not to be complete"
    grey = np.bincount(where("#f6f6f6")[:, 0], minlength=2600)
    box = np.flatnonzero(grey > 800)
    assert box.size > 200
    assert box.min() > 900
    rows = np.flatnonzero((picture < 0.5).all(axis=2).any(axis=1))
    assert ((rows > 700) & (rows < 1200)).sum() > 100
