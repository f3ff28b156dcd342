"""Files that were cut or changed behind the program's back: rebuilt where that can be, named where it cannot."""

import random
import subprocess
import sys

import h5py
import pytest

import faults
from conftest import ROOT, TESTBENCH, Sandbox, assert_same, contents
from faults import Trial, rule
from test_disk import SHORT, make_whole


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_whole(tmp_path_factory, SHORT)


@pytest.fixture
def trial(tmp_path, whole):
    return Trial(Sandbox(tmp_path, TESTBENCH), whole, SHORT)


def leave_full_journal(trial, *, published):
    """Ends a run when all is in the journal, just before or after the file is published."""
    if published:
        trial.run(rule(call="unlink", path="out.h5.journal", do="kill-before"), code=-9)
        assert trial.file.exists()
    else:
        trial.run(rule(call="open", path=".publishing", do="kill-before"), code=-9)
        assert not trial.file.exists()
    return trial.journal.read_bytes()


def flipped(data, at, bit=3):
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return bytes(changed)


def resumed(trial, journal, file=None):
    """Goes on from these bytes; returns what was said, and the journal as it became."""
    trial.kept.unlink(missing_ok=True)
    trial.journal.write_bytes(journal)
    trial.file.unlink(missing_ok=True)
    if file is not None:
        trial.file.write_bytes(file)
    (trial.folder / "out.h5.lock").unlink(missing_ok=True)
    trial.keep_journal()
    done = trial.run()
    assert_same(trial.whole, trial.file)
    assert not trial.journal.exists()
    return done.stderr, trial.kept.read_bytes()


def places(journal, count, seed):
    """Offsets in a journal: everything of the two headers' and the events' frames, the record frames' beginnings, and
    some at random."""
    moment = random.Random(seed)
    chosen = set()
    for at, body in faults.frames(journal):
        chosen.update([at, at + 3, at + 5, at + 11, at + 16])
        if body[:1] != bytes([faults.TASK]):
            chosen.update(at + moment.randrange(16 + len(body)) for _ in range(4))
    some = moment.sample(sorted(chosen), min(count, len(chosen)))
    return some + [moment.randrange(len(journal)) for _ in range(count)]


def test_a_journal_cut_anywhere_goes_on_from_what_is_left(trial):
    journal = leave_full_journal(trial, published=False)
    for length in [0, 1, 16, 300, *places(journal, 12, seed=1)]:
        left = faults.done_tasks(journal[:length])
        words, after = resumed(trial, journal[:length])
        if left:
            assert f"{len(left)} of them done before" in words, f"cut at {length}"
            done = faults.done_tasks(after)
            assert len(done) == len(set(done)) == 48, f"cut at {length}"


def test_a_bit_flipped_anywhere_in_the_journal_costs_one_record(trial):
    journal = leave_full_journal(trial, published=False)
    for at in places(journal, 20, seed=2):
        words, _ = resumed(trial, flipped(journal, at))
        before = 48 if "on 1 rank" in words and "of them done before" not in words else 0
        for line in words.splitlines():
            if "of them done before" in line:
                before = int(line.split("of them done before")[0].rsplit(",", 1)[1])
        assert before >= 47, f"byte {at}: {words}"


def test_both_headers_of_the_journal_damaged(trial):
    journal = leave_full_journal(trial, published=False)
    first, second = (at for at, body in list(faults.frames(journal))[:2])
    words, _ = resumed(trial, flipped(flipped(journal, first + 40), second + 40))
    assert "its records fit this job and are taken" in words and "48 of them done before" in words


def test_what_the_journal_lost_is_taken_from_the_published_file(trial):
    journal = leave_full_journal(trial, published=True)
    file = trial.file.read_bytes()
    records = [at for at, body in faults.frames(journal) if body[:1] == bytes([faults.TASK])]
    damages = {
        "cut within its beginning": journal[:100],
        "never written": bytes(len(journal)),
        "cut between two records": journal[: records[20]],
        "cut within a record": journal[: records[20] + 30],
        "flipped": flipped(journal, records[7] + 30),
    }
    for name, damaged in damages.items():
        words, _ = resumed(trial, damaged, file)
        assert "48 of them done before" in words or "ran " not in words, f"{name}: {words}"


def test_a_damaged_file_is_rebuilt_from_the_journal(trial):
    journal = leave_full_journal(trial, published=True)
    file = trial.file.read_bytes()
    for damaged in (flipped(file, len(file) // 3), file[: len(file) // 2], b"", bytes(len(file))):
        words, _ = resumed(trial, journal, damaged)
        assert "48 of them done before" in words


def test_journal_and_file_both_damaged(trial):
    journal = leave_full_journal(trial, published=True)
    file = trial.file.read_bytes()
    cut = journal[: len(journal) // 2]
    words, _ = resumed(trial, cut, flipped(file, len(file) // 3))
    assert f"{len(faults.done_tasks(cut))} of them done before" in words


def damaged_files(data, count):
    moment = random.Random(5)
    for _ in range(count):
        at = moment.randrange(len(data) - 32)
        yield f"byte {at} flipped", flipped(data, at, moment.randrange(8))
    for _ in range(count // 3):
        length = moment.randrange(len(data))
        yield f"cut at {length}", data[:length]
    yield "empty", b""
    yield "zeroed", bytes(len(data))
    yield "longer", data + bytes(100)


def test_a_damaged_file_without_journal_is_named_by_every_command(trial):
    data = trial.whole.read_bytes()
    for name, damaged in damaged_files(data, 12):
        trial.file.write_bytes(damaged)
        commands = {
            ("validate", "out.h5"): 1,
            ("status", "out.h5"): 2,
            ("export", "out.h5", "--csv"): 2,
            ("run", "job.yaml"): 2,
        }
        for arguments, code in commands.items():
            done = trial.sandbox.run(*arguments, code=code, timeout=60)
            words = done.stdout + done.stderr
            assert any(word in words for word in ("damaged", "was cut")), f"{name}: {arguments}: {words}"
        assert "--fresh" in words, "what to do"
        assert trial.file.read_bytes() == damaged, "nothing was overwritten"


LOADER = """
import sys, warnings
warnings.simplefilter("ignore")
import dynsweep
for path in sys.argv[1:]:
    try:
        with dynsweep.load(path) as results:
            for method in results:
                results[method].load()
        print(path, "read")
    except ValueError as error:
        print(path, "refused:", str(error).splitlines()[0])
"""


def test_the_python_loader_refuses_a_damaged_file(trial):
    data = trial.whole.read_bytes()
    names = {}
    for index, (name, damaged) in enumerate(damaged_files(data, 20)):
        path = trial.folder / f"{index}.h5"
        path.write_bytes(damaged)
        names[str(path)] = name
    done = subprocess.run(
        [sys.executable, "-c", LOADER, *names], capture_output=True, text=True, timeout=120,
        env={"PYTHONPATH": str(ROOT / "analysis" / "src")},
    )
    assert done.returncode == 0, done.stderr
    lines = {line.split(" ", 1)[0]: line for line in done.stdout.splitlines()}
    for path, name in names.items():
        # Bytes after the end are no damage to readers of HDF5.
        assert ("read" if name == "longer" else "refused") in lines[path], f"{name}: {lines[path]}"


@pytest.mark.parametrize("locking", ["TRUE", "FALSE", "BEST_EFFORT", "", None])
def test_hdf5_file_locking_does_not_matter(trial, locking, monkeypatch):
    monkeypatch.delenv("HDF5_USE_FILE_LOCKING", raising=False)
    env = {} if locking is None else {"HDF5_USE_FILE_LOCKING": locking}
    for code in (75, 0):
        # A reader with a lock of its own on the file that is about to be replaced.
        if code == 0:
            with h5py.File(trial.file, "r", locking=True) as reader:
                trial.sandbox.run("run", "job.yaml", env=env)
                assert "walk" in reader
        else:
            process = trial.sandbox.start("run", "job.yaml", "--set", "milliseconds=30", env=env)
            process.kill()
            process.wait()
            trial.sandbox.run("run", "job.yaml", env=env | faults.environment_of(
                rule(call="unlink", path="out.h5.journal", do="kill-before")), code=-9)
            trial.sandbox.run("validate", "out.h5", env=env)
            trial.sandbox.run("status", "out.h5", env=env)
    assert contents(trial.whole) == contents(trial.file)
