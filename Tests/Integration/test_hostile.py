"""Files that lie, before every command: each refuses them with a message or answers rightly, in bounded time and memory."""

import concurrent.futures
import os
import stat
import subprocess

import h5py
import pytest

import faults
import hostile
from conftest import TESTBENCH, Sandbox, assert_same
from faults import Trial, rule
from test_disk import SHORT, make_whole


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    sandbox = Sandbox(tmp_path_factory.mktemp("hostile"), TESTBENCH)
    sandbox.write(hostile.JOB)
    sandbox.run("run", "job.yaml", code=1)
    return sandbox.folder / "out.h5"


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """The journal of a run that was killed before it published."""
    sandbox = Sandbox(tmp_path_factory.mktemp("journal"), TESTBENCH)
    sandbox.write(hostile.JOB)
    sandbox.run("run", "job.yaml", env=faults.environment_of(rule(call="open", path=".publishing", do="kill-before")), code=-9)
    return (sandbox.folder / "out.h5.journal").read_bytes()


def complaints(name, whole, folder, files, commands=hostile.COMMANDS):
    """What is wrong with the answers to these files."""
    folder.mkdir()
    answers = hostile.walk(whole, folder, files, commands)
    return [f"{name}: {answer.problem}" for answer in answers if answer.problem]


def together(jobs):
    """Runs (function, arguments...) side by side; returns all they found."""
    with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        return [line for found in pool.map(lambda job: job[0](*job[1:]), jobs) for line in found]


def test_result_files_that_lie(whole, tmp_path):
    jobs = []

    def walk(name, data, *commands):
        jobs.append((complaints, name, whole, tmp_path / str(len(jobs)), {"": data}, *commands))

    for name, edit in hostile.RESULTS.items():
        walk(name, hostile.edited(whole, tmp_path, edit, rehashed=False))
        if name not in hostile.UNREADABLE:
            # The one command that looks at all of the variables' checksums.
            walk(f"{name}, rehashed", hostile.edited(whole, tmp_path, edit, rehashed=True), ["validate"])
    for name, edit in hostile.RESULT_BYTES.items():
        walk(name, hostile.edited_bytes(whole, tmp_path, edit))
    assert len({job[4][""] for job in jobs}) > len(hostile.RESULTS)
    found = together(jobs)
    assert not found, "\n".join(found)


def test_sealing_anew_makes_a_file_that_is_taken(whole, tmp_path):
    """Else all of the above would only test the seal."""
    for rehashed in (False, True):
        data = hostile.edited(whole, tmp_path, lambda file: file["walk/position"].attrs.create("x", 1), rehashed=rehashed)
        assert data != whole.read_bytes()
        folder = tmp_path / str(rehashed)
        folder.mkdir()
        answers = {answer.command: answer for answer in hostile.walk(whole, folder, {"": data})}
        assert not [answer.problem for answer in answers.values() if answer.problem]
        assert {name: answer.code for name, answer in answers.items()} == {
            "status": 1, "validate": 0, "export walk": 0, "export sampled": 0, "plan": 0, "merge": 0, "merge alone": 0,
            "share": 0, "run": 1, "grow": 1,
        }  # fmt: skip


def test_a_wrong_value_with_a_new_seal_is_found_by_its_variable(whole, tmp_path):
    data = hostile.edited(whole, tmp_path, hostile.values("walk/position", 1.5), rehashed=False)
    (tmp_path / "out.h5").write_bytes(data)
    words = Sandbox(tmp_path, TESTBENCH).run("validate", "out.h5", code=1).stdout
    assert "/walk/position: its values do not match their checksum" in words.replace("its checksum", "their checksum")


@pytest.mark.parametrize("published", [False, True], ids=["alone", "beside a file"])
def test_journals_that_lie(whole, journal, tmp_path, published):
    beside = {"": whole.read_bytes()} if published else {}
    found = together(
        (complaints, name, whole, tmp_path / str(number), beside | {".journal": edit(journal)})
        for number, (name, edit) in enumerate(hostile.JOURNALS.items()))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("running", [False, True], ids=["left behind", "of a run that goes on"])
def test_rank_files_that_lie(whole, journal, tmp_path, running):
    grid = hostile.header_of(journal)["grid"]
    files = {"": whole.read_bytes(), ".journal": journal}
    if running:
        # A holder on another host, so that nothing says that it is dead.
        files[".lock"] = (
            b'{"host":"elsewhere","pid":1,"processStart":1,"bootID":"x","jobID":"","since":"2026-01-01T00:00:00Z",'
            b'"token":"t"}')
    found = []
    for name, make in hostile.RANK_FILES.items():
        if running:
            folder = tmp_path / name
            folder.mkdir()
            for suffix, data in (files | {".rank-0": make(grid)}).items():
                (folder / f"out.h5{suffix}").write_bytes(data)
            answer = hostile.answer(folder, "status", ("status", "out.h5"), {1})
            found += [f"{name}: {answer.problem}"] if answer.problem else []
        else:
            # Beside a journal whose tasks are not all done.
            cut = journal[: [at for at, _ in faults.frames(journal)][20]]
            found += complaints(name, whole, tmp_path / name, {".journal": cut, ".rank-0": make(grid)})
    assert not found, "\n".join(found)


# A journal that is damaged beyond use, beside an intact file.


def test_a_journal_of_remnants_beside_an_intact_file(whole, journal, tmp_path):
    sandbox = Sandbox(tmp_path, TESTBENCH)
    sandbox.write(hostile.JOB)
    (tmp_path / "out.h5").write_bytes(whole.read_bytes())
    (tmp_path / "out.h5.journal").write_bytes(hostile.headless(journal))
    words = sandbox.run("run", "job.yaml", code=1).stderr
    assert "going on from what" in words and "ran " not in words, words
    assert_same(whole, tmp_path / "out.h5")
    assert not (tmp_path / "out.h5.journal").exists()
    aside = list(tmp_path.glob("out.h5.old-*.journal"))
    assert [path.read_bytes() for path in aside] == [hostile.headless(journal)], "nothing is deleted"
    # Of a grid that has grown since.
    (tmp_path / "out.h5.journal").write_bytes(hostile.headless(journal))
    words = sandbox.run("run", "job.yaml", "--set", "seeds=4", code=1).stderr
    assert "72 finished tasks taken over" in words, words


# What is no file.


def special(folder, kind):
    path = folder / "out.h5"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/full")
    elif kind == "link to a fifo":
        os.mkfifo(folder / "fifo")
        path.symlink_to("fifo")
    else:
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["fifo", "device", "link to a fifo", "directory"])
def test_what_is_no_file_is_refused(whole, tmp_path, kind):
    for number, (name, (arguments, _)) in enumerate(hostile.COMMANDS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "job.yaml").write_text(hostile.JOB)
        (folder / "whole.h5").write_bytes(whole.read_bytes())
        path = special(folder, kind)
        before = os.stat(path).st_mode
        if name == "share":
            # The whole grid's results, which a share looks at.
            code = {2}
        elif name == "plan":
            code = {0}
        else:
            code = {1} if name == "validate" else {2}
        answer = hostile.answer(folder, name, arguments, code)
        assert not answer.problem
        words = {"fifo": "FIFO", "link to a fifo": "FIFO", "device": "device", "directory": "directory"}[kind]
        assert words in answer.words, f"{name}: {answer.words}"
        assert os.stat(path).st_mode == before
    # As an output of merge and export.
    folder = tmp_path / "output"
    folder.mkdir()
    path = special(folder, kind)
    (folder / "whole.h5").write_bytes(whole.read_bytes())
    for arguments in (
        ("merge", "whole.h5", "-o", "out.h5"),
        ("export", "whole.h5", "--csv", "--method", "walk", "-o", "out.h5"),
    ):
        answer = hostile.answer(folder, arguments[0], arguments, {2})
        assert not answer.problem
    assert path.is_symlink() == (kind in ("device", "link to a fifo"))


def test_a_job_from_a_pipe(tmp_path):
    sandbox = Sandbox(tmp_path, TESTBENCH)
    sandbox.write(hostile.JOB)
    run = ["bash", "-c", f"{TESTBENCH} run <(cat job.yaml)"]
    assert subprocess.run(run, cwd=tmp_path, capture_output=True, timeout=60).returncode == 1
    sandbox.run("validate", "out.h5")
    # Several processes cannot all read it.
    several = ["bash", "-c", f"{TESTBENCH} run -n 2 <(cat job.yaml)"]
    done = subprocess.run(several, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "save the job to a file" in done.stderr
    done = sandbox.run("run", "/dev/zero", code=2)
    assert "64 MB" in done.stderr


def test_a_plan_for_an_output_that_cannot_be_written(tmp_path):
    sandbox = Sandbox(tmp_path, TESTBENCH)
    sandbox.write(hostile.JOB)
    done = sandbox.run("plan", "job.yaml", "--output", "/dev/null/x.h5")
    assert "warning" in done.stderr and "cannot be written" in done.stderr and "72 tasks" in done.stdout
    sandbox.run("run", "job.yaml", "--output", "/dev/null/x.h5", code=2)


# Names, links, modes and groups.


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return make_whole(tmp_path_factory, SHORT)


def test_a_planted_link_is_not_followed(tmp_path, short):
    """Under the name of every temporary file, when it is about to be made."""
    trial = Trial(Sandbox(tmp_path, TESTBENCH), short, SHORT)
    log = tmp_path / "log"
    sandbox = trial.sandbox
    sandbox.run("run", "job.yaml", env=faults.environment_of(log=log))
    sandbox.run("merge", "out.h5", "-o", "m.h5", env=faults.environment_of(log=log))
    sandbox.run("export", "out.h5", "--csv", "-o", "t.csv", env=faults.environment_of(log=log))
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    names = [".publishing", ".journal", ".journal.new", ".rank-0", ".lock", ".part"]
    for suffix in names:
        for path in tmp_path.glob("out.h5*"):
            path.unlink()
        for output in ("out.h5", "m.h5", "t.csv"):
            (tmp_path / (output + suffix)).unlink(missing_ok=True)
            (tmp_path / (output + suffix)).symlink_to("victim")
        sandbox.run("run", "job.yaml", code=None)
        (tmp_path / "in.h5").write_bytes(short.read_bytes())
        sandbox.run("merge", "in.h5", "-o", "m.h5", "--fresh", code=None)
        sandbox.run("export", "in.h5", "--csv", "-o", "t.csv", code=None)
        assert victim.read_bytes() == b"precious", suffix


def test_a_link_planted_while_a_run_goes_on(tmp_path, short):
    sandbox = Sandbox(tmp_path, TESTBENCH)
    sandbox.write(SHORT.replace("range: [0, 11, 1]}", "range: [0, 11, 1]}, milliseconds: 60"))
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    process = sandbox.start("run", "job.yaml")
    while not (tmp_path / "out.h5.journal").exists():
        assert process.poll() is None
    (tmp_path / "out.h5.publishing").symlink_to("victim")
    assert process.wait(60) == 0
    assert victim.read_bytes() == b"precious"
    sandbox.run("validate", "out.h5")


@pytest.mark.parametrize("exists", [True, False], ids=["of a file", "to nothing yet"])
def test_a_link_as_output(tmp_path, short, exists):
    sandbox = Sandbox(tmp_path, TESTBENCH)
    sandbox.write(SHORT)
    (tmp_path / "far").mkdir()
    real = tmp_path / "far" / "real.h5"
    (tmp_path / "out.h5").symlink_to("far/real.h5")
    if exists:
        sandbox.run("run", "job.yaml", "--set", "seeds=2", "--output", "far/real.h5")
    sandbox.run("run", "job.yaml")
    assert (tmp_path / "out.h5").is_symlink() and real.is_file()
    assert_same(short, real)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far", "job.yaml", "out.h5"], "all lies beside the file"
    # One lock for both names.
    sandbox.write(SHORT.replace("range: [0, 11, 1]}", "range: [0, 11, 1]}, milliseconds: 100"))
    process = sandbox.start("run", "job.yaml", "--fresh")
    while not (tmp_path / "far" / "real.h5.lock").exists():
        assert process.poll() is None
    assert "another run writes" in sandbox.run("run", "job.yaml", "--output", "far/real.h5", code=2).stderr
    assert "Being written" in sandbox.run("status", "out.h5", code=None).stdout + sandbox.run(
        "status", "far/real.h5", code=None).stdout or not real.exists()
    process.kill()
    process.wait()
    # Other commands write through the link too.
    for arguments in (
        ("merge", "whole.h5", "-o", "m.h5", "--fresh"), ("export", "whole.h5", "--csv", "-o", "m.h5"),
    ):
        (tmp_path / "whole.h5").write_bytes(short.read_bytes())
        (tmp_path / "m.h5").unlink(missing_ok=True)
        (tmp_path / "m.h5").symlink_to("far/m.h5")
        (tmp_path / "far" / "m.h5").unlink(missing_ok=True)
        sandbox.run(*arguments)
        assert (tmp_path / "m.h5").is_symlink() and (tmp_path / "far" / "m.h5").is_file()


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize(("mask", "expected"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_new_files_have_the_mode_that_the_mask_leaves(tmp_path, mask, expected):
    sandbox = Sandbox(tmp_path, TESTBENCH)
    sandbox.write(SHORT.replace("range: [0, 11, 1]}", "range: [0, 11, 1]}, milliseconds: 100"))
    old = os.umask(mask)
    try:
        process = sandbox.start("run", "job.yaml")
        seen = {}
        while process.poll() is None:
            for suffix in (".journal", ".rank-0", ".lock"):
                try:
                    seen[suffix] = mode(tmp_path / f"out.h5{suffix}")
                except FileNotFoundError:
                    pass
        sandbox.run("merge", "out.h5", "-o", "m.h5")
        sandbox.run("export", "out.h5", "--csv", "-o", "t.csv")
    finally:
        os.umask(old)
    assert seen == {".journal": expected, ".rank-0": expected, ".lock": expected}
    assert [mode(tmp_path / name) for name in ("out.h5", "m.h5", "t.csv")] == [expected] * 3


@pytest.mark.parametrize("own", [0o600, 0o640, 0o664])
def test_existing_files_keep_mode_and_group(tmp_path, own):
    sandbox = Sandbox(tmp_path, TESTBENCH)
    sandbox.write(SHORT.replace("range: [0, 11, 1]}", "range: [0, 11, 1]}, milliseconds: 20"))
    group = 12_345 if os.geteuid() == 0 else os.getegid()
    sandbox.run("run", "job.yaml")
    sandbox.run("export", "out.h5", "--csv", "-o", "t.csv")
    for name in ("out.h5", "t.csv"):
        os.chmod(tmp_path / name, own)
        os.chown(tmp_path / name, -1, group)
    # Killed on the way, so that the journal and a rank file are there.
    process = sandbox.start("run", "job.yaml", "--set", "seeds=8")
    while not (tmp_path / "out.h5.rank-0").exists():
        assert process.poll() is None
    process.kill()
    process.wait()
    for suffix in ("", ".journal", ".rank-0"):
        path = tmp_path / f"out.h5{suffix}"
        assert (mode(path), os.stat(path).st_gid) == (own, group), suffix
    sandbox.run("run", "job.yaml", "--set", "seeds=8")
    sandbox.run("export", "out.h5", "--csv", "-o", "t.csv")
    sandbox.run("merge", "out.h5", "-o", "out.h5")
    for name in ("out.h5", "t.csv"):
        assert (mode(tmp_path / name), os.stat(tmp_path / name).st_gid) == (own, group), name


@pytest.mark.skipif(os.geteuid() != 0, reason="needs several users")
def test_a_colleague_goes_on_in_a_folder_of_a_group(tmp_path):
    """Set-gid, umask 002: what one left, the other can write."""
    sandbox = Sandbox(tmp_path, TESTBENCH)
    sandbox.write(SHORT)
    shared = tmp_path / "shared"
    shared.mkdir()
    os.chown(shared, 0, 4321)
    os.chmod(shared, 0o2775)
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        os.chmod(folder, mode(folder) | 0o055)

    def as_user(user, *, env=None, arguments=()):
        return subprocess.run(
            [str(TESTBENCH), "run", str(tmp_path / "job.yaml"), "--output", "out.h5", *arguments], cwd=shared,
            env={"PATH": os.environ["PATH"]} | (env or {}), user=user, group=user, extra_groups=[4321], umask=0o002,
            capture_output=True, text=True, timeout=60)

    killed = as_user(7001, env=faults.environment_of(rule(call="open", path=".publishing", do="kill-before")))
    assert killed.returncode == -9, killed.stderr
    done = as_user(7002)
    assert done.returncode == 0 and "48 of them done before" in done.stderr, done.stderr
    info = os.stat(shared / "out.h5")
    assert (info.st_gid, mode(shared / "out.h5")) == (4321, 0o664)
    # And grown by the first again.
    done = as_user(7001, arguments=("--set", "seeds=6"))
    assert done.returncode == 0, done.stderr
    assert os.stat(shared / "out.h5").st_gid == 4321 and mode(shared / "out.h5") == 0o664


# Files that are too large to be read as a whole before they are opened.


@pytest.fixture(scope="module")
def large(whole, tmp_path_factory):
    """`whole` with more than 1 GiB of nothing in it, which takes no room on the disk."""
    path = tmp_path_factory.mktemp("large") / "out.h5"
    path.write_bytes(whole.read_bytes())
    with h5py.File(path, "r+") as file:
        ballast = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        ballast.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        ballast.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple(((1 << 30) + 4096,))
        h5py.h5d.create(file.id, b"ballast", h5py.h5t.NATIVE_INT8, space, ballast)
    hostile.seal(path)
    assert path.stat().st_size > 1 << 30
    return path


def test_a_large_file_is_checked_where_it_is_read(large):
    sandbox = Sandbox(large.parent, TESTBENCH)
    sandbox.run("status", "out.h5", code=1)
    with h5py.File(large) as file:
        places = {
            "an axis' value": file["walk/index"].id.get_offset() + 8,
            "a status": file["walk/status"].id.get_chunk_info(0).byte_offset + 5,
            "a time": file["walk/wall_seconds"].id.get_chunk_info(0).byte_offset + 30,
            "an error": large.read_bytes().find(b"told to"),
            "the job": large.read_bytes().find(b"\nmodel: trial") + 3,
        }
    for name, at in places.items():
        with large.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 1]))
        done = sandbox.run("status", "out.h5", code=2)
        assert "damaged" in done.stderr, name
        done = sandbox.run("export", "out.h5", "--csv", "--method", "walk", "-o", "t.csv", code=2)
        assert "damaged" in done.stderr and not (large.parent / "t.csv").exists(), name
        with large.open("r+b") as file:
            file.seek(at)
            file.write(byte)
    sandbox.run("status", "out.h5", code=1)
    sandbox.run("export", "out.h5", "--csv", "--method", "walk", "-o", "t.csv")
