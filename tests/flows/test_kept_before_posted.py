"""Nothing leaves before it is kept, as the kernel sees it: the calls of a whole `jiexu send` under strace (art. 10)."""

import re
import subprocess
import sys
from itertools import pairwise

import pytest

from flows.synthetic.places import SHENZHEN
from tests.command_line import PROGRAM
from tests.flows.test_crash import PEOPLE
from tests.office import configure, fill, found_pair, open_approved, some_people, states
from tests.parts import need

WATCHED = "trace=openat,write,writev,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,link,linkat"
MAILBOX = rf"/exchange/{SHENZHEN.office}"
TAR = r"\(\d+<[^>]*/open/0000000\d\.tar>"
LOG = r"\(\d+<[^>]*/hangzhou/ledger\.db-wal>"


def _places(calls: list[str], pattern: str) -> list[int]:
    return [place for place, call in enumerate(calls) if re.search(pattern, call)]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a send pass of several batches asks of the kernel, in order."""
    folder = tmp_path_factory.mktemp("traced")
    pair = found_pair(folder)
    configure(pair.sender, batch=1)
    people = some_people(PEOPLE)
    fill(pair.sender, people)
    numbers = open_approved(pair, [person for person, _ in people])
    log = folder / "trace"
    trace = [need("strace"), "-f", "-y", "-s", "0", "-e", WATCHED, "-o", log]
    command = [sys.executable, PROGRAM, "-C", pair.sender, "send", "--engine", "direct"]
    subprocess.run([*trace, *command], capture_output=True, check=True, timeout=120)
    assert states(pair.sender) == dict.fromkeys(numbers, "in_transit")
    return [line for line in log.read_text().splitlines() if " resumed>" not in line]


def test_all_is_on_disk_before_the_first_byte_leaves(calls: list[str]) -> None:
    """Whatever was written to the archive's tar and the ledger's log was flushed, the tar before the log."""
    first = _places(calls, MAILBOX)[0]
    before, after = calls[:first], calls[first:]
    tar = _places(before, rf"fdatasync{TAR}")
    log = _places(before, rf"(fdatasync|fsync){LOG}")
    assert len(tar) == PEOPLE, "one flush of the tar a batch"
    assert _places(before, rf"(writev?|pwrite64|pwritev){TAR}")[-1] < tar[-1]
    assert _places(before, rf"pwrite64{LOG}")[-1] < log[-1]
    assert all(any(flush < commit < next_ for commit in log) for flush, next_ in pairwise([*tar, first]))
    assert _places(after, rf"(writev?|pwrite64|pwritev|fdatasync){TAR}") == []


def test_each_package_has_its_name_when_it_is_whole(calls: list[str]) -> None:
    """In the partner's mailbox: written and flushed, then renamed; the folder is flushed before the ledger says so."""
    renamed = _places(calls, rf'rename.*{MAILBOX}/[^"]*\.part"')
    flushed = _places(calls, rf"fsync\(\d+<[^>]*{MAILBOX}/[^>]*\.part>")
    assert len(renamed) == len(flushed) == PEOPLE
    assert all(flush < rename for flush, rename in zip(flushed, renamed, strict=True))
    (folder,) = _places(calls, rf"fsync\(\d+<[^>]*{MAILBOX}>")
    assert renamed[-1] < folder < _places(calls, rf"pwrite64{LOG}")[-1]
