"""The private cluster keeps away from what is not its own."""

import os
import subprocess

from conftest import TESTBED


def run(script, *arguments, **variables):
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    return subprocess.run(
        [TESTBED / script, *map(str, arguments)], env=env | variables, capture_output=True, text=True, timeout=120)


def test_a_slurm_of_somebody_else_is_not_touched(tmp_path):
    conf = tmp_path / "slurm.conf"
    conf.write_text("ClusterName=production\n")
    done = run("up", tmp_path / "new", SLURM_CONF=str(conf))
    assert done.returncode == 2
    assert "SLURM_CONF is set" in done.stderr
    assert done.stdout == ""
    done = run("down", SLURM_CONF=str(conf))
    assert done.returncode == 2
    assert conf.exists()


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    assert run("up", tmp_path).returncode == 2
    assert run("down", tmp_path).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_down_ends_everything_also_after_a_crash_and_twice(tmp_path):
    folder = tmp_path / "bed"
    done = run("up", "--nodes", 1, folder)
    assert done.returncode == 0, done.stderr
    marked = f"DYNSWEEP_TESTBED={folder}"

    def members():
        found = subprocess.run(f"grep -lzxF '{marked}' /proc/[0-9]*/environ", shell=True, capture_output=True, text=True)
        return [int(path.split("/")[2]) for path in found.stdout.split()]

    assert len(members()) >= 3
    os.kill(int((folder / "slurmctld.pid").read_text()), 9)
    for _ in range(2):
        done = run("down", folder)
        assert done.returncode == 0, done.stderr
        assert members() == []
        assert not folder.exists()
