"""No command writes over results, its inputs or a device."""

from pathlib import Path

import pytest

from dynsweep.output import check_output


def test_results_inputs_and_devices_are_refused(tmp_path: Path) -> None:
    result = tmp_path / "other.dat"
    result.write_bytes(b"\x89HDF\r\n\x1a\n" + b"0" * 20)
    job = tmp_path / "job.yaml"
    job.write_text("model: x\n")
    link = tmp_path / "link.html"
    link.symlink_to(job)
    for output, words in [
        (result, "result file"),
        (job, "input"),
        (link, "input"),
        (Path("/dev/null"), "regular"),
        (tmp_path, "regular"),
    ]:
        with pytest.raises(ValueError, match=words):
            check_output(output, [job])


def test_a_new_file_and_an_old_page_may_be_written(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    check_output(page, [])
    page.write_text("<html>")
    check_output(page, [tmp_path / "none.h5"])
