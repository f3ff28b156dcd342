"""Names that a shell, Slurm or a terminal would read as something else."""

from __future__ import annotations

import json
import os
import random
import subprocess

import pytest

from conftest import JOB, Sandbox, environment

PIECES = [
    "'", '"', "$(touch P)", "${IFS}", "`touch P`", ";touch P;", "\u0301", "\u200d", "'\u0301;touch P;'\u0301", "'\u200d\ntouch P\n",
    "\\", "%", "%j", " ", "*", "#", "{{job}}", "{{", "!", "~", "&&touch P&&", "|touch P|", ">P", "<P", "\n", "\ntouch P\n", "\t", "\r",
    "\x1b[2J", "é", "a", "-", "--", "\U0001f4a9", "(", ")", "\u2028", "=", ":", "?", "[", "]", "@", ",",
]
#: What stands for Slurm's commands and for the program: it notes how it was called.
STUB = '#!/bin/bash\nfor word in "$@"; do printf "%s\\0" "$word" >> "$CALLS"; done\nprintf "\\0" >> "$CALLS"\n'
ROUTES = ["output", "set", "job", "argument", "folder", "name", "mpi", "partition", "account", "qos", "extra", "array output"]


def calls(path) -> list[list[str]]:
    """The calls of the program that the script made, word by word."""
    words, found = path.read_bytes().decode().split("\0")[:-1], [[]]
    for word in words:
        if word == "" and found[-1]:
            found.append([])
        else:
            found[-1].append(word)
    return found[:-1]


@pytest.fixture
def stubs(sandbox: Sandbox):
    folder = sandbox.folder / "stubs"
    folder.mkdir()
    for name in ("srun", "squeue", "scontrol", "sbatch"):
        (folder / name).write_text("#!/bin/sh\necho pmix pmi2\n")
        (folder / name).chmod(0o755)
    program = sandbox.folder / "program"
    program.write_text(STUB)
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize("route", ROUTES)
def test_batch_scripts_hold_any_name_or_none(sandbox, stubs, route):
    """Whatever comes in is one word of the script, literally, or is refused; nothing of it is run."""
    draw = random.Random(ROUTES.index(route))
    accepted = 0
    for number in range(20):
        name = "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 6)))
        folder = sandbox.folder / f"{number}"
        if route == "folder":
            folder = folder / name.replace("/", "_") if name.strip(".") else folder
        folder.mkdir(parents=True)
        job = folder / (name + "job.yaml" if route == "job" and not name.startswith("-") else "job.yaml")
        job.write_text(JOB)
        line = [str(sandbox.binary), "submit", job.name, "--dry-run", "--time", "10"]
        expected = None
        if route in ("output", "array output"):
            line += [f"--output={name}.h5"] + (["--array", "2"] if route == "array output" else [])
        elif route == "set":
            line += ["--set", f"title={name}"]
        elif route == "name":
            line += ["--set", "name=" + '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"']
        elif route == "argument":
            line += ["--", name]
            expected = name
        elif route in ("mpi", "partition", "account", "qos"):
            line += [f"--{route}={name}"]
        elif route == "extra":
            line += [f"--extra=--comment={name}"]
        env = environment() | {"PATH": f"{stubs}:{os.environ['PATH']}", "CALLS": str(sandbox.folder / f"calls{number}")}
        done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in (0, 2), (name, done.stderr)
        if done.returncode == 2:
            assert done.stderr and not done.stdout
            continue
        accepted += 1
        # The script that joins shares follows, under a comment with its name.
        end = done.stdout.find("\n# ", done.stdout.rfind("exit $code")) if route == "array output" else None
        script = done.stdout[:end]
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        # Slurm reads comments; whoever gets a line out of one has it run.
        options = [text for text in script.split("\n") if text.startswith("#SBATCH")]
        assert all("touch P" not in text or "touch P" in name for text in options)
        run = subprocess.run(
            ["bash"], input=script.replace(str(sandbox.binary.resolve()), str(sandbox.folder / "program")), cwd=folder, text=True,
            env=env | {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "1", "SLURM_JOB_NODELIST": "x", "SLURM_ARRAY_TASK_ID": "1",
                       "SLURM_ARRAY_JOB_ID": "1"},
            capture_output=True, timeout=60, check=False,
        )
        if route == "mpi":
            assert run.returncode == 2 and f"no --mpi={name}" in run.stdout
            continue
        assert run.returncode == 0, (name, run.stderr)
        (words, *_) = calls(sandbox.folder / f"calls{number}")
        assert words[:2] == ["run", job.name]
        if expected is not None:
            assert expected in words
        if "output" in route:
            (word,) = [word.removeprefix("output=") for word in words if word.startswith("output=")]
            assert (json.loads(word) if word.startswith('"') else word) == f"{name}.h5"
        assert not list(sandbox.folder.rglob("P")), name
    assert accepted > 0 or route in ("mpi", "partition", "account", "qos", "set")


@pytest.mark.parametrize(
    "name", ["x", "a #b.h5", " s.h5 ", "[1].h5", "{c}.h5", "%x.h5", "#a.h5", "*a.h5", "@a.h5", "n\nl.h5", "it's.h5", '"q".h5', "null",
             "~", "1e3", "true", "é", "'\u0301;x", "a\tb", "\x1b[2J.h5", "&a", "!t", "- x", "? x", "a: b", "|", ">", "`", "\u2028"]
)
def test_an_output_is_named_literally(sandbox, name):
    sandbox.write(JOB.replace("seeds: 6", "seeds: 1"))
    sandbox.run("run", "job.yaml", f"--output={name}")
    assert sorted(path.name for path in sandbox.folder.iterdir()) == sorted(["job.yaml", name])
    sandbox.run("run", "job.yaml", f"--output={name}", "--set", "seeds=2", "-n", 2)
    assert sorted(path.name for path in sandbox.folder.iterdir()) == sorted(["job.yaml", name])
    shown = sandbox.run("status", f"./{name}").stdout + sandbox.run("plan", "job.yaml", f"--output={name}", code=0).stdout
    assert "\x1b" not in shown
    assert "sound" in sandbox.run("validate", f"./{name}").stdout


@pytest.mark.parametrize("name", ["", ".", "..", "./", "/", "nothere/../", "out.h5/"])
def test_what_is_no_name_is_refused(sandbox, name):
    sandbox.write(JOB)
    for command in ("run", "plan"):
        done = sandbox.run(command, "job.yaml", f"--output={name}", code=None)
        assert done.returncode in (0, 2) and (command == "plan" or done.returncode == 2)
        assert "output" in done.stderr
    assert sandbox.run("plan", "job.yaml", "--set", 'output=""', code=2).stderr


def test_settings_of_several_lines_survive(sandbox):
    """Growing, merging and plotting read them again."""
    sandbox.write(JOB)
    line = ["--set", "record.times=[0,\n  5,\n 10]", "--set", "where='L <\n\n  4'"]
    sandbox.run("run", "job.yaml", *line)
    sandbox.run("run", "job.yaml", *line, "--set", "seeds=7")
    sandbox.run("merge", "out.h5", "-o", "merged.h5")
    for file in ("out.h5", "merged.h5"):
        assert "sound" in sandbox.run("validate", file).stdout
        sandbox.run("status", file)


@pytest.mark.parametrize("command", ["run", "status", "validate", "plan"])
def test_what_would_steer_a_terminal_is_shown(sandbox, command):
    name = "\x1b[31mred\u202e.h5"
    sandbox.write(JOB)
    sandbox.run("run", "job.yaml", "--output", name)
    line = [command, "job.yaml", "--output", name] if command in ("run", "plan") else [command, name]
    done = sandbox.run(*line)
    assert "\\x1b[31mred\\u202e.h5" in done.stdout + done.stderr or command == "status"
    assert "\x1b" not in done.stdout + done.stderr and "\u202e" not in done.stdout + done.stderr


def test_what_would_steer_a_terminal_is_shown_of_a_job(sandbox):
    sandbox.write(JOB + '"a\\e[2Jb\\0c\\u202Ed\\u009be": 1\n')
    done = sandbox.run("plan", "job.yaml", code=2)
    assert "unknown key 'a\\x1b[2Jb\\x00c\\u202ed\\x9be'" in done.stderr
    assert not any(mark in done.stderr for mark in ("\x1b", "\0", "\u202e", "\u009b"))
