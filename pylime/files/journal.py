"""
The journal of a run: which parts are written, and whether all are.

Each line of it is a JSON object, added when a part is complete or when the run is finished. So it
is right at any moment at which the run can be killed.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["JOURNAL", "MANIFEST", "Journal", "add_part", "finish", "read_journal", "run_identity"]

MANIFEST = "manifest.json"
"""Name of the file that describes a run."""

JOURNAL = "journal.jsonl"
"""Name of the file of this module."""


@dataclass(frozen=True)
class Journal:
    """
    What a journal has.

    Attributes
    ----------
    digests
        The digest of each part's file, by its name.
    finished
        The number of parts of a run that is finished; None for one that is not.
    """

    digests: dict[str, str]
    finished: int | None

    def is_as_written(self, part: Path) -> bool:
        """Whether a part's file has not changed since it was written, as far as is known."""
        return self.digests.get(part.name) in (None, _digest(part))


def run_identity(folder: Path) -> str | None:
    """Return the digest of a run's manifest, which all its parts have; None without a manifest."""
    manifest = folder / MANIFEST
    return _digest(manifest) if manifest.is_file() else None


def read_journal(folder: Path) -> Journal:
    """Read the journal of a folder. A line that was cut off by a kill is left out."""
    digests: dict[str, str] = {}
    finished = None
    try:
        lines = (folder / JOURNAL).read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict):
            continue
        finished = entry.get("finished")
        if "part" in entry:
            digests[str(entry["part"])] = str(entry.get("sha256"))
    return Journal(digests, finished if type(finished) is int else None)


def add_part(folder: Path, part: Path) -> None:
    """Note that a part is written."""
    _add(folder, {"part": part.name, "sha256": _digest(part)})


def finish(folder: Path, n_parts: int) -> None:
    """Note that all parts are written."""
    _add(folder, {"finished": n_parts})


def _add(folder: Path, entry: dict[str, str | int]) -> None:
    with (folder / JOURNAL).open("a", encoding="utf-8") as file:
        file.write(f"\n{json.dumps(entry)}")  # a new line even after one that was cut off


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
