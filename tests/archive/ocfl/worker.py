"""What the crash trials kill: every act of the writing side, in an order that can be begun again.

`python -m tests.archive.ocfl.worker FOLDER all` does each act once; `... FOLDER many FIRST` writes, changes and destroys
segment after segment from number FIRST on, and says each act when it is done, until it is killed.
"""

import itertools
import shutil
import sys
from pathlib import Path

from archive.ocfl.objects import destroy, replace_file, restore_object
from tests.archive.ocfl import toy


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _rekey(archive: toy.Archive, number: int, keys: int) -> None:
    if f"keys-{keys - 1}.pgp" in archive.root.files(toy.name(number)):
        archive.rekey(number, keys)


def _all(archive: toy.Archive, spare: Path) -> None:
    spare.mkdir(exist_ok=True)
    tar = spare / "members.tar"
    if not tar.exists():
        tar.write_bytes(b"tar" * 5000)
    archive.write(1, {**toy.segment(1), "members.tar": tar})
    _rekey(archive, 1, 2)
    archive.write(2)
    whole = archive.stage / "whole"
    shutil.copytree(archive.root.object_path(toy.name(2)), whole)
    (spare / "good").write_bytes(b"catalog 1")
    replace_file(archive.root, archive.stage, archive.aside, toy.name(1), "v1/content/catalog.bin", spare / "good")
    destroy(archive.root, archive.stage, toy.name(2))
    restore_object(archive.root, archive.stage, toy.name(2), whole)


def _many(archive: toy.Archive, first: int) -> None:
    _say("ready")
    for number in itertools.count(first):
        archive.write(number)
        _say("wrote", number)
        for keys in (2, 3):
            archive.rekey(number, keys)
            _say("rekeyed", number, keys)
        if number % 3 == 0:
            destroy(archive.root, archive.stage, toy.name(number))
            _say("destroyed", number)


if __name__ == "__main__":
    made = toy.archive(Path(sys.argv[1]))
    made.recover()
    if sys.argv[2] == "all":
        _all(made, Path(sys.argv[1], "spare"))
    else:
        _many(made, int(sys.argv[3]))
