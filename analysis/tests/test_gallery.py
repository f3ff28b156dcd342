"""The gallery: small jobs through the script, and the page that is in the repository."""

import re
import shlex
import subprocess
import sys

import pytest
from conftest import BINARY, CURVES, MAP, ROOT, environment
from matplotlib.image import imread

JOBS = sorted((ROOT / "jobs").rglob("*.yaml"), key=lambda path: path.name)


def test_jobs_are_run_in_the_form_their_heads_state(tmp_path):
    head = "# A test's curves, a_b < c.\n#\n# What to expect. Nothing.\n"
    jobs = [tmp_path / "curves.yaml", tmp_path / "map.yaml"]
    jobs[0].write_text(head + "# Gallery: seeds=2 d=50 L=[2,4]\n" + CURVES.lstrip())
    jobs[1].write_text(head + MAP.lstrip())
    page, results = tmp_path / "docs" / "gallery.md", tmp_path / "results"
    page.parent.mkdir()
    command = [sys.executable, ROOT / "scripts" / "gallery", *jobs, "--binary", BINARY, "-n", "1"]

    def gallery():
        return subprocess.run(
            [*command, "--page", page, "--results", results],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    done = gallery()
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert "with `seeds=2 d=50 L=[2,4]`" in text
    assert "at full size" in text
    assert r"A test's curves, a\_b \< c." in text
    assert "`sgd` against `ode`" in text
    import dynsweep

    curves = dynsweep.load(results / "curves.h5")
    assert curves.is_complete
    assert curves["sgd"].sizes["seed"] == 2
    assert curves["sgd"].d == 50
    for name in re.findall(r"\]\((images/.*?)\)", text):
        picture = page.parent / name
        assert picture.stat().st_size < 60_000
        assert imread(picture).shape[1] > 400
    # Another reduction is another grid: it is computed anew.
    jobs[0].write_text(head + "# Gallery: seeds=2 d=60 L=[2]\n" + CURVES.lstrip())
    assert gallery().returncode == 0
    assert dynsweep.load(results / "curves.h5")["sgd"].d == 60


@pytest.mark.parametrize("job", JOBS, ids=lambda path: path.stem)
def test_what_a_head_states_can_be_set(job):
    found = re.search(r"^# Gallery:(.*)$", job.read_text(), re.MULTILINE)
    if found is None or found[1].strip() == "full size":
        return
    settings = [part for item in shlex.split(found[1]) for part in ("--set", item)]
    assert settings
    done = subprocess.run(
        [BINARY, "plan", job, *settings], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_job_alone_leaves_the_other_sections(tmp_path):
    page = tmp_path / "gallery.md"
    page.write_text("# Gallery\n\n## curves\n\nOld.\n\n## walk\n\n![m](w.png)\n\nKept.\n")
    job = tmp_path / "curves.yaml"
    job.write_text("# A test's curves.\n# Gallery: seeds=2 d=50 L=[2]\n" + CURVES.lstrip())
    command = [sys.executable, ROOT / "scripts" / "gallery", job, "--binary", BINARY, "-n", "1"]
    done = subprocess.run(
        [*command, "--page", page, "--results", tmp_path / "results"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["curves", "walk"]
    assert text.endswith("## walk\n\n![m](w.png)\n\nKept.\n")
    assert "Old." not in text
    assert "[curves](#curves) · [walk](#walk)" in text


def test_the_page_has_every_job_and_its_picture_which_is_small():
    page = ROOT / "docs" / "gallery.md"
    pictures = re.findall(r"\]\(images/gallery/(.*?)\.png\)", page.read_text())
    assert pictures == [job.stem for job in JOBS]
    for name in (f"images/gallery/{picture}.png" for picture in pictures):
        assert 2_000 < (page.parent / name).stat().st_size < 60_000
