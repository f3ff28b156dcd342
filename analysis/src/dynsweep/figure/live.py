"""Whether a run still writes a file."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

#: A run touches its lock every ten seconds; one that was not touched for so long is nobody's.
PATIENCE_SECONDS = 75.0


class Writers:
    """The runs that write some files, known by their locks.

    A run that was killed leaves its lock. On its own host its process tells; on another the lock
    does, which is touched by a run that lives. Clocks of two hosts are not compared.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._locks = [Path(f"{file}.lock") for file in files]
        self._seen: dict[Path, tuple[int, float]] = {}

    def are_alive(self) -> bool:
        """Whether any of the files is being written."""
        held = [self._is_held(lock) for lock in self._locks]  # all: each one's age is noted
        return any(held)

    def _is_held(self, lock: Path) -> bool:
        try:
            touched = lock.stat().st_mtime_ns
            text = lock.read_text(encoding="utf-8")
        except OSError:
            return False
        if _is_dead(text):
            return False
        now = time.monotonic()
        before, since = self._seen.get(lock, (touched, now))
        if touched != before:
            since = now
        self._seen[lock] = touched, since
        return now - since < PATIENCE_SECONDS


def _is_dead(text: str) -> bool:
    """Whether a lock names a process of this host that is gone."""
    try:
        holder = json.loads(text)
        if holder["host"] != socket.gethostname() or holder.get("bootID", "") != _boot():
            return False
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False  # another user's, or a lock that says nothing: its age will tell
    return False


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
