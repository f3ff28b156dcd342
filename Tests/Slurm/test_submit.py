"""`dynsweep submit` and what its batch script does with the jobs, on a real Slurm."""

import re
import subprocess
import time

import pytest
from conftest import BINARY, ROOT, SWEEP, TESTBENCH, integration, walks

JOB, assert_same = integration.JOB, integration.assert_same


def status(desk, file="out.h5"):
    """The exit code of `dynsweep status`: 0 all done, 75 work left, 2 no file yet."""
    return desk.dynsweep("status", file, code=None).returncode


def wait_for_some_results(desk, number):
    """Until the job runs and some of its tasks are safe."""
    journal = desk.folder / "out.h5.journal"
    desk.cluster.wait(
        number,
        lambda job: job["JobState"] == "RUNNING" and journal.exists() and journal.stat().st_size > 4000,
        "computing",
    )


def reference(desk, **options):
    """The same job alone, on one rank and without MPI."""
    desk.dynsweep("run", "job.yaml", "--output", "alone.h5", **options)
    return desk.folder / "alone.h5"


def test_two_nodes_give_the_same_bytes_as_one_rank(desk):
    desk.write(JOB)
    done = desk.dynsweep("submit", "job.yaml", "--nodes", 2, "-n", 4, binary=BINARY)
    number = re.search(r"Submitted as job (\d+): engine-test, 4 ranks, 00:10:00", done.stdout)[1]
    for hint in (f"squeue -j {number}", "dynsweep status out.h5 --watch", "tail -F out.log", f"scancel {number}"):
        assert hint in done.stdout
    assert "twice the estimate" in done.stderr
    job = desk.cluster.wait_end(number)
    assert (job["JobState"], job["ExitCode"], job["NumNodes"]) == ("COMPLETED", "0:0", "2"), desk.log()
    assert "52 of 52 tasks done" in desk.log()
    assert "on 4 ranks" in desk.log()
    assert_same(reference(desk, binary=BINARY), desk.folder / "out.h5")
    assert {path.name for path in desk.folder.iterdir()} == {"job.yaml", "out.h5", "out.sbatch", "out.log", "alone.h5"}


def test_the_warning_before_the_limit_stops_in_order_and_requeues(desk, whole):
    """What Slurm sends before the time limit, sent by hand: the job is queued again under its number until done."""
    desk.write(SWEEP)
    number = desk.submit("-n", 2)
    wait_for_some_results(desk, number)
    desk.cluster.run("scancel", "--batch", "--signal=USR1", number)
    desk.cluster.wait(number, lambda job: job["Restarts"] == "1", "requeued")
    assert status(desk) == 75
    job = desk.cluster.wait_end(number)
    assert (job["JobState"], job["ExitCode"], job["Restarts"]) == ("COMPLETED", "0:0", "1"), desk.log()
    assert "the time limit is near" in desk.log()
    assert "for the 2. time" in desk.log()
    assert re.search(r"\d+ tasks, [1-9]\d* of them done before", desk.log())
    assert_same(whole, desk.folder / "out.h5")


def test_a_real_time_limit_shorter_than_the_sweep_requeues_until_done(desk):
    desk.write(walks(120, 1100))
    number = desk.submit("-n", 2, "--time", 1)
    job = desk.cluster.wait_end(number, timeout=280)
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0"), desk.log()
    assert int(job["Restarts"]) >= 1
    assert status(desk) == 0


def test_without_requeue_the_job_ends_with_75_and_a_second_submit_goes_on(desk):
    desk.write(SWEEP)
    number = desk.submit("-n", 2, "--no-requeue")
    wait_for_some_results(desk, number)
    desk.cluster.run("scancel", "--batch", "--signal=USR1", number)
    job = desk.cluster.wait_end(number)
    assert (job["JobState"], job["ExitCode"]) == ("FAILED", "75:0"), desk.log()
    assert "the same 'dynsweep submit' goes on" in desk.log()
    job = desk.cluster.wait_end(desk.submit("-n", 2))
    assert job["ExitCode"] == "0:0", desk.log()
    assert status(desk) == 0


def test_scancel_then_submit_goes_on(desk, whole):
    desk.write(SWEEP)
    number = desk.submit("-n", 2)
    wait_for_some_results(desk, number)
    desk.cluster.run("scancel", number)
    assert desk.cluster.wait_end(number)["JobState"] == "CANCELLED"
    job = desk.cluster.wait_end(desk.submit("-n", 2))
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0"), desk.log()
    # Cancelled means cancelled: the script did not queue itself again.
    assert desk.cluster.job(number)["JobState"] == "CANCELLED"
    assert re.search(r"\d+ tasks, [1-9]\d* of them done before", desk.log())
    assert_same(whole, desk.folder / "out.h5")


def test_a_dead_node_requeues_and_nothing_is_lost(desk, whole):
    desk.write(SWEEP)
    number = desk.submit("-n", 2, "--nodes", 1)
    wait_for_some_results(desk, number)
    node = desk.cluster.job(number)["NodeList"]
    desk.cluster.kill_node(node)
    try:
        job = desk.cluster.wait_end(number)
    finally:
        desk.cluster.start_node(node)
    assert (job["JobState"], job["ExitCode"], job["Restarts"]) == ("COMPLETED", "0:0", "1"), desk.log()
    assert job["NodeList"] != node
    assert re.search(r"\d+ tasks, [1-9]\d* of them done before", desk.log())
    assert_same(whole, desk.folder / "out.h5")


def test_a_dead_second_node_requeues_too(desk, whole):
    desk.write(SWEEP)
    number = desk.submit("-n", 2, "--nodes", 2)
    wait_for_some_results(desk, number)
    desk.cluster.kill_node("node2")
    desk.cluster.wait(number, lambda job: job["JobState"] == "PENDING", "requeued")
    desk.cluster.start_node("node2")
    job = desk.cluster.wait_end(number)
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0"), desk.log()
    assert_same(whole, desk.folder / "out.h5")


def test_an_array_computes_shares_and_joins_them(desk):
    desk.write(walks(12, 50))
    done = desk.dynsweep("submit", "job.yaml", "--array", 2, "-n", 1)
    number = re.search(r"Submitted as job (\d+): slurm test, 2 allocations of 1 rank", done.stdout)[1]
    merge = re.search(r"Job (\d+) joins the shares", done.stdout)[1]
    job = desk.cluster.wait_end(merge)
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0"), desk.log("out.merge.log")
    assert desk.cluster.job(number)["JobState"] == "COMPLETED"
    for element in (1, 2):
        assert f"share {element} of 2: 6 of 12 tasks" in desk.log(f"out.{element}.log")
    assert status(desk) == 0
    assert_same(reference(desk), desk.folder / "out.h5")
    assert not list(desk.folder.glob("*.shard-*"))


@pytest.mark.parametrize("count", [2, 4])
def test_every_element_of_an_array_is_queued_again(desk, count):
    """Also the last one, whose job number is that of the whole array."""
    desk.write(walks(60, 100))
    done = desk.dynsweep("submit", "job.yaml", "--array", count, "-n", 1)
    number, merge = re.findall(r"[Jj]ob (\d+)", done.stdout)[:2]
    for element in range(1, count + 1):
        shard = desk.folder / f"out.shard-{element}-of-{count}.h5"
        end = time.monotonic() + 120
        while "tasks, on 1 rank" not in desk.log(f"out.{element}.log") or not shard.with_name(shard.name + ".journal").exists():
            assert time.monotonic() < end, desk.log(f"out.{element}.log")
            time.sleep(0.1)
        desk.cluster.run("scancel", "--batch", "--signal=USR1", f"{number}_{element}")
    job = desk.cluster.wait_end(merge, timeout=280)
    logs = "\n".join(desk.log(f"out.{element}.log") for element in range(1, count + 1))
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0"), desk.log("out.merge.log") + logs
    for element in range(1, count + 1):
        assert f"job {number}_{element}: work is left: asks to be queued again" in desk.log(f"out.{element}.log")
        assert "for the 2. time" in desk.log(f"out.{element}.log")
    assert status(desk) == 0


@pytest.mark.parametrize("name", ["100% mine", "%j %a %x", "it's"])
def test_a_folder_with_any_name_works(desk, name):
    folder = desk.folder / name
    folder.mkdir()
    (folder / "job.yaml").write_text(walks(4, 1))
    done = desk.cluster.run(TESTBENCH, "submit", "job.yaml", "--parsable", "-n", 1, cwd=folder)
    job = desk.cluster.wait_end(done.stdout.strip())
    assert job["ExitCode"] == "0:0", desk.cluster.logs(job["JobId"])
    assert "4 of 4 tasks done" in (folder / "out.log").read_text()


def test_a_folder_with_a_backslash_is_refused(desk):
    folder = desk.folder / "a\\b"
    folder.mkdir()
    (folder / "job.yaml").write_text(walks(4, 1))
    done = desk.cluster.run(TESTBENCH, "submit", "job.yaml", "-n", 1, cwd=folder, code=2)
    assert "backslash" in done.stderr


def test_an_array_of_which_a_part_was_cancelled_goes_on(desk):
    desk.write(walks(12, 50))
    done = desk.dynsweep("submit", "job.yaml", "--array", 2, "-n", 1, "--extra", "--hold")
    number, merge = re.findall(r"[Jj]ob (\d+)", done.stdout)[:2]
    desk.cluster.run("scancel", f"{number}_2")
    desk.cluster.run("scontrol", "release", number, merge)
    job = desk.cluster.wait_end(merge)
    assert (job["JobState"], job["ExitCode"]) == ("FAILED", "75:0"), desk.log("out.merge.log")
    assert "6 of 12 tasks done, 6 pending" in desk.log("out.merge.log")
    done = desk.dynsweep("submit", "job.yaml", "--array", 2, "-n", 1)
    job = desk.cluster.wait_end(re.search(r"Job (\d+) joins the shares", done.stdout)[1])
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0"), desk.log("out.merge.log")
    assert_same(reference(desk), desk.folder / "out.h5")


def test_a_point_that_kills_its_rank_does_not_take_the_rest_down(desk):
    desk.write(walks(20, 20).replace("milliseconds: 20", "milliseconds: 20\n  fate: [done, segfault]"))
    job = desk.cluster.wait_end(desk.submit("-n", 2, "--nodes", 2, "--set", "index=[0, 1, 2]"))
    assert (job["JobState"], job["ExitCode"]) == ("FAILED", "1:0"), desk.log()
    shown = desk.dynsweep("status", "out.h5", code=1).stdout
    assert re.search(r"walk +3 +0 +0 +3 +0 ", shown), shown


def test_srun_with_the_wrong_plugin_is_refused(desk):
    """Ranks that Open MPI cannot connect would each run the whole sweep."""
    desk.write(JOB)
    job = desk.cluster.wait_end(desk.submit("-n", 2, "--mpi", "pmi2"))
    assert (job["JobState"], job["ExitCode"]) == ("FAILED", "2:0"), desk.log()
    assert "started as one of 2 processes that do not see each other" in desk.log()
    assert "srun --mpi=pmix" in desk.log()
    assert not (desk.folder / "out.h5").exists()


def test_a_plugin_that_srun_lacks_is_named(desk):
    desk.write(JOB)
    job = desk.cluster.wait_end(desk.submit("-n", 2, "--mpi", "pmix_v9"))
    assert (job["JobState"], job["ExitCode"]) == ("FAILED", "2:0"), desk.log()
    assert "srun of this cluster has no --mpi=pmix_v9" in desk.log()


def test_plain_srun_without_a_plugin_is_refused(desk):
    desk.write(JOB)
    done = desk.cluster.run(
        "srun", "-n", 2, "--mpi=none", BINARY, "run", "job.yaml", cwd=desk.folder, code=2)
    assert "do not see each other" in done.stderr
    desk.cluster.run("srun", "-n", 2, "--mpi=pmix", BINARY, "run", "job.yaml", cwd=desk.folder)


def test_dry_run_prints_the_script_and_submits_nothing(desk):
    desk.write(JOB)
    script = desk.dynsweep(
        "submit", "job.yaml", "--dry-run", "-n", 8, "--nodes", 2, "--time", "1-12", "--memory", "2GB",
        "--partition", "long", "--account", "theory", "--qos", "low", "--extra", "--constraint=rome",
        "--set", "L=[2, 4]", "--output", "my results/x.h5", "--", "--quiet").stdout
    for line in ("job-name=engine-test", "ntasks=8", "nodes=2", "time=1-12:00:00", "mem-per-cpu=2000M", "partition=long",
                 "account=theory", "qos=low", "constraint=rome", "requeue", "open-mode=append", "signal=B:USR1@60",
                 f"output='{desk.folder}/my results/x.log'"):
        assert f"#SBATCH --{line}\n" in script
    assert """--set 'L=[2, 4]' --set 'output="my results/x.h5"' --quiet""" in script
    assert "{{" not in script
    assert sorted(path.name for path in desk.folder.iterdir()) == ["job.yaml"]
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    unasked = desk.dynsweep("submit", "job.yaml", "--dry-run", "--no-requeue").stdout
    for line in ("partition", "account", "qos", "nodes", "array"):
        assert f"#SBATCH --{line}" not in unasked
    assert "#SBATCH --no-requeue\n" in unasked


def test_an_output_with_spaces_and_quotes_works(desk):
    desk.write(walks(4, 1))
    output = "it's 100% mine/x.h5"
    job = desk.cluster.wait_end(desk.submit("-n", 2, "--output", output))
    assert job["ExitCode"] == "0:0", desk.cluster.logs(job["JobId"])
    assert status(desk, output) == 0
    assert "4 of 4 tasks done" in desk.log("it's 100% mine/x.log")


def test_an_edited_template_is_used(desk):
    desk.write(walks(4, 1))
    text = (ROOT / "slurm" / "job.sbatch").read_text()
    desk.write(text.replace("say \"starts on", "say \"by my own template, on"), "mine.sbatch")
    job = desk.cluster.wait_end(desk.submit("-n", 1, "--template", "mine.sbatch"))
    assert job["ExitCode"] == "0:0", desk.log()
    assert "by my own template, on node" in desk.log()
    desk.write("#!/bin/bash\n#SBATCH --ntasks={{rank}}\n", "wrong.sbatch")
    done = desk.dynsweep("submit", "job.yaml", "--template", "wrong.sbatch", code=2)
    assert "wrong.sbatch:2: unknown word {{rank}}" in done.stderr
    assert "ranks" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--time", "soon"], "--time takes"),
        (["--memory", "much"], "--memory takes"),
        (["--memory", "2048"], "--memory takes"),
        (["-n", "0"], "--ranks takes"),
        (["-n", "2", "--nodes", "3"], "every node needs one"),
        (["--array", "1"], "--array takes"),
        (["--extra", "rome"], "--extra takes"),
        (["--partition", "a b"], "--partition takes one word"),
        (["--template", "none.sbatch"], "none.sbatch"),
        (["--", "--fresh"], "--fresh cannot be among"),
        # What only the cluster knows.
        (["--partition", "nonsense"], "invalid partition specified: nonsense"),
        (["--array", "2000"], "at most 1000 jobs"),
    ],
)
def test_what_cannot_be_submitted_has_code_2_and_a_reason(desk, arguments, complaint):
    desk.write(JOB)
    done = desk.dynsweep("submit", "job.yaml", *arguments, code=2)
    assert complaint in done.stderr
    assert done.stdout == ""


def test_a_bad_job_is_not_submitted(desk):
    desk.write(JOB.replace("step_size", "stepsize"))
    done = desk.dynsweep("submit", "job.yaml", code=2)
    assert "job.yaml:11:" in done.stderr
    assert "did you mean 'step_size'" in done.stderr
    assert sorted(path.name for path in desk.folder.iterdir()) == ["job.yaml"]


def test_without_slurm_it_says_so(desk):
    desk.write(JOB)
    done = subprocess.run(
        [TESTBENCH, "submit", "job.yaml"], cwd=desk.folder, env={"PATH": "/nowhere"}, capture_output=True, text=True)
    assert done.returncode == 2
    assert "'sbatch' is not on the PATH" in done.stderr
