"""`jiexu archive backup`, `snapshots`, `restore`, `drill` on whole offices after an exchange."""

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive import journal
from archive.checkpoints import open_text
from flows import backup_places, backups
from flows.commands.backups import signed_report
from flows.drill_page import WORDS, page
from flows.settings import load
from flows.storage_setting import settled
from flows.wiring import Office
from formats.errors import UsageError
from tests.archive.backup.test_backing import contents, damage
from tests.command_line import Call, Place


def there(place: Place) -> Path:
    """An empty folder for backups, beside the homes."""
    folder = place.home.parent / "elsewhere"
    folder.mkdir(exist_ok=True)
    return folder


def backed_up(place: Place, call: Call) -> Any:
    """The answer of a backup into that folder."""
    answer = call("-C", place.home, "archive", "backup", "--to", there(place), "--json")
    assert answer.status == 0, answer.err
    return answer.document


def stored(home: Path) -> dict[str, bytes]:
    """The archive and the spool of a home."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for name in ("archive", "inbox", "quarantine")
        for path in (home / name).rglob("*")
        if path.is_file() and path.name not in ("lock", "seal.lock", "backup.lock")
    }


def key_of(place: Place, kind: str) -> list[str]:
    """The options for one secret key, taken off the machine."""
    off = place.home.parent / "safe"
    off.mkdir(exist_ok=True)
    files = {"archive": ("archive.asc", "passphrase"), "escrow": ("escrow-secret.asc", "escrow-passphrase")}[kind]
    for name in files:
        (off / name).write_bytes((place.home / "keys" / name).read_bytes())
    return ["--key", str(off / files[0]), "--passphrase-file", str(off / files[1])]


def test_backup_and_snapshots(place: Place, call: Call) -> None:
    """A backup is made and listed, the second one writes little; the journal names place and person."""
    first = backed_up(place, call)
    second = call(
        "-C", place.home, "archive", "backup", "--to", there(place), "--minutes", 0, "--by", "staff-7", "--json"
    )
    assert second.document["written"] == 5 < first["written"]
    listed = call("-C", place.home, "archive", "snapshots", "--from", there(place), "--json")
    assert [row["snapshot"] for row in listed.document["snapshots"]] == [
        first["snapshot"],
        second.document["snapshot"],
    ]
    assert {row["list"] for row in listed.document["snapshots"]} == {"holds"}
    with Office.at(place.home) as office:
        told = [entry for entry in journal.entries(office.ledger) if entry.kind == "backed-up"]
    assert [(entry.who, entry.what["place"]) for entry in told] == [
        ("service", str(there(place))),
        ("staff-7", str(there(place))),
    ]
    assert "snapshot" in call("-C", place.home, "archive", "backup", "--to", there(place), "--verify-all").out


def test_no_secret_leaves_in_the_home_files(place: Place) -> None:
    """Settings, partners and locked keys go; passphrases, the escrow's secret and the open SSH key stay."""
    files = backups.home_files(load(place.home))
    assert {"office.toml", "keys/office.asc", "keys/archive.asc", "keys/escrow.asc", "keys/journal.pem"} <= set(files)
    assert "keys/journal.vkey" in files
    assert any(path.startswith("partners/") for path in files)
    secrets = ("passphrase", "escrow-passphrase", "escrow-secret.asc", "ssh")
    assert not {f"keys/{name}" for name in secrets} & set(files)
    passphrase = (place.home / "keys/passphrase").read_bytes().strip()
    assert not any(passphrase in data for data in files.values())


@pytest.mark.parametrize("kind", ["archive", "escrow"])
def test_a_bare_machine_with_one_key(place: Place, call: Call, tmp_path: Path, kind: str) -> None:
    """With the medium and one secret key alone the office comes back, goes on, and says whose line proved it."""
    backed_up(place, call)
    key, before = key_of(place, kind), stored(place.home)
    passphrase = (place.home / "keys/passphrase").read_bytes()
    place.home.rename(tmp_path / "lost")
    answer = call("-C", tmp_path, "archive", "restore", place.home, "--from", there(place), *key, "--json")
    assert answer.status == 0, answer.err
    assert answer.document["problems"] == []
    assert answer.document["own"]
    assert answer.document["verifier"] == (tmp_path / "lost/keys/journal.vkey").read_text().strip()
    assert stored(place.home) == before
    (place.home / "keys/passphrase").write_bytes(passphrase)
    assert call("-C", place.home, "archive", "audit", "--all", "--deep", "--json").document["problems"] == []
    assert call("-C", place.home, "journal", "verify").status == 0
    assert call("-C", place.home, "send", "--engine", "direct").status == 0
    assert call("-C", place.home, "archive", "backup", "--to", there(place), "--json").status == 0


def test_an_audit_without_the_passphrase(place: Place, call: Call) -> None:
    """A home as a restore leaves it holds: nothing was decrypted, said once; what is damaged is found all the same."""
    with Office.at(place.home) as office:
        office.store.seal_due(_now(), all_of_them=True)
    (place.home / "keys/passphrase").unlink()
    answer = call("-C", place.home, "archive", "audit", "--all", "--json")
    assert (answer.status, answer.document["problems"], answer.document["locked"]) == (0, [], True)
    shown = call("-C", place.home, "archive", "audit", "--all")
    assert (shown.status, shown.err.count("no original was decrypted")) == (0, 1)
    assert call("-C", place.home, "archive", "audit", "--all", "--deep", "--json").code == "S408"
    damage(next((place.home / "archive/ocfl").rglob("members.tar")), 700)
    damaged = call("-C", place.home, "archive", "audit", "--all", "--json")
    assert (damaged.status, [item["code"] for item in damaged.document["problems"]]) == (4, ["A502"])


def test_old_snapshots_are_pruned(place: Place, call: Call) -> None:
    """`prune` leaves the newest, says what it read back and took away, and enters it; the rest can be restored."""
    made = [backed_up(place, call)["snapshot"] for _ in range(3)]
    start = ("-C", place.home, "archive", "prune", "--at", there(place))
    answer = call(*start, "--keep", 2, "--by", "staff-7", "--json")
    assert answer.status == 0, answer.err
    told = answer.document
    assert (told["removed"], told["kept"], told["read_back"]) == (made[:1], made[1:], made[2])
    listed = call("-C", place.home, "archive", "snapshots", "--from", there(place), "--json").document["snapshots"]
    assert [row["snapshot"] for row in listed] == made[1:]
    with Office.at(place.home) as office:
        (entry,) = journal.entries(office.ledger, last=1)
    what = {"place": str(there(place)), "snapshots": 1, "files": told["files"]}
    assert (entry.kind, entry.who, entry.what) == ("pruned", "staff-7", what)
    assert call(*start, "--keep", 0, "--json").status == 2
    assert "removed 1 snapshots" in call(*start, "--keep", 1).out
    assert call("-C", place.home, "archive", "drill", "--from", there(place)).status == 0


def test_a_home_is_never_overwritten(place: Place, call: Call) -> None:
    """Restoring over a home is S414; a wrong key S408 or A509; an unknown snapshot A512; a strange verifier A512."""
    backed_up(place, call)
    key = key_of(place, "archive")
    start = ("archive", "restore", "--from", there(place), "--json")
    assert call("-C", place.home, *start, *key).code == "S414"
    new = place.home.parent / "new"
    assert call("-C", new, *start, *key[:2]).code == "S421"
    assert call("-C", new, *start).code == "S402"
    wrong = [*key[:3], str(place.home / "office.toml")]
    assert call("-C", new, *start, *wrong).code == "S408"
    office = ["--key", str(place.home / "keys/office.asc"), *key[2:]]
    assert call("-C", new, *start, *office).code == "A509"
    assert call("-C", new, *start, *key, "--snapshot", "20260101T000000Z-0000").code == "A512"
    other = (place.home.parent / "shenzhen/keys/journal.vkey").read_text().strip()
    assert call("-C", new, *start, *key, "--verifier", other).code == "A512"
    assert not new.exists()


def test_one_case(place: Place, call: Call, tmp_path: Path) -> None:
    """All originals of a case come into a folder, private, named by kind and digest; an unknown case is S412."""
    backed_up(place, call)
    key = key_of(place, "archive")
    start = ("-C", tmp_path, "archive", "restore", "--from", there(place), *key, "-o", tmp_path / "out")
    answer = call(*start, "--case", place.sent, "--json")
    assert answer.status == 0, answer.err
    names = {Path(file).name for file in answer.document["files"]}
    listed = call("-C", place.home, "archive", "list", "--case", place.sent, "--json").document["originals"]
    assert names == {f"{row['kind']}-{row['digest']}" for row in listed}
    assert {name.rpartition("-")[0] for name in names} >= {"delivery-sent", "signature-sent", "package-sent"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "out").iterdir())
    assert call(*start, "--case", "999", "--json").code == "S412"
    assert call("-C", place.home, "archive", "restore", "--from", there(place), "--case", "1", "--json").code == "S421"


def test_damage_is_repaired_on_command(place: Place, call: Call) -> None:
    """`restore --damaged` puts right what the audit finds, ends with 0, and journals it; without a copy it ends with 4."""
    with Office.at(place.home) as office:
        office.store.seal_due(office.ledger and _now(), all_of_them=True)
    backed_up(place, call)
    tar = next((place.home / "archive/ocfl").rglob("members.tar"))
    good = tar.read_bytes()
    damage(tar, 700)
    assert call("-C", place.home, "archive", "audit", "--all").status == 4
    answer = call(
        "-C", place.home, "archive", "restore", "--damaged", "--from", there(place), "--by", "staff-7", "--json"
    )
    assert answer.status == 0, answer.err
    assert [item["code"] for item in answer.document["repaired"]] == ["A506"]
    assert tar.read_bytes() == good
    assert call("-C", place.home, "archive", "audit", "--all").status == 0
    for file in there(place).rglob("members.tar"):
        damage(file, 700)
    damage(tar, 700)
    left = call("-C", place.home, "archive", "restore", "--damaged", "--from", there(place))
    assert left.status == 4
    assert "left A502" in left.out


def _now() -> Any:
    from flows.times import now

    return now()


@pytest.mark.parametrize("kind", ["", "escrow"])
def test_a_drill_signs_a_report(place: Place, call: Call, kind: str) -> None:
    """The drill compares everything, leaves a signed report and a page, an entry, and nothing of the restored office."""
    made = backed_up(place, call)
    temporary = place.home.parent / "room"
    temporary.mkdir()
    key = key_of(place, kind) if kind else []
    answer = call("-C", place.home, "archive", "drill", "--from", there(place), "--into", temporary, *key, "--json")
    assert answer.status == 0, answer.err
    assert list(temporary.iterdir()) == []
    files = {Path(file).suffix: Path(file) for file in answer.document["files"]}
    verifier = (place.home / "keys/journal.vkey").read_text().strip()
    report = json.loads(open_text(files[".note"].read_text(), verifier))
    assert report == json.loads(files[".json"].read_text())
    assert (report["outcome"], report["snapshot"], report["problems"]) == ("held", made["snapshot"], [])
    listed = call("-C", place.home, "archive", "list", "--json").document["originals"]
    assert report["compared"]["originals"] == len({row["digest"] for row in listed}) > 0
    etree.fromstring(files[".html"].read_bytes())
    with Office.at(place.home) as office:
        (entry,) = journal.entries(office.ledger, last=1)
    assert (entry.kind, entry.what["problems"]) == ("drilled", 0)


def test_drills_within_one_second_leave_a_report_each(place: Place, call: Call) -> None:
    """A name that is taken is not taken again: the second report of a second has a number."""
    backed_up(place, call)
    with Office.at(place.home) as office, backup_places.opened(str(there(place)), "", Path("x"), 1.0) as folder:
        found = backups.restoring.open_snapshot(folder, "", office.wrap)
        done = backups.drill_office(office, folder, found, office.wrap, "<elsewhere>", _now())
        files = [signed_report(office, done) for _ in range(3)]
    assert len({file for report in files for file in report}) == 9
    for report in files:
        page, note = (Path(file) for file in sorted(report) if not file.endswith(".json"))
        assert note.name in page.read_text(encoding="utf-8")


def test_a_drill_that_fails_says_so(place: Place, call: Call) -> None:
    """An original that no longer holds here ends the drill with 4; the report names it."""
    backed_up(place, call)
    tar = next((place.home / "archive/open").glob("*.tar"))
    damage(tar, 700)
    answer = call("-C", place.home, "archive", "drill", "--from", there(place))
    assert answer.status == 4
    assert "A502" in answer.out
    (report,) = (place.home / "drills").glob("*.json")
    assert json.loads(report.read_text())["outcome"] == "failed"


def test_a_ledger_in_another_database(place: Place, call: Call, postgresql_url: str) -> None:
    """A backup of a ledger in SQLite comes back into PostgreSQL, and the restored home knows where."""
    backed_up(place, call)
    key, new = key_of(place, "archive"), place.home.parent / "new"
    answer = call("-C", new, "archive", "restore", "--from", there(place), *key, "--ledger", postgresql_url, "--json")
    assert answer.status == 0, answer.err
    assert load(new).ledger_url == postgresql_url
    assert not list(new.glob("ledger.db*"))
    (new / "keys/passphrase").write_bytes((place.home / "keys/passphrase").read_bytes())
    assert call("-C", new, "archive", "audit", "--all", "--json").document["problems"] == []
    assert (
        call("-C", new, "case", "list", "--json").document == call("-C", place.home, "case", "list", "--json").document
    )


def test_places_that_cannot_be(place: Place, call: Call) -> None:
    """No place, a folder that is not there, one inside the home, a driver that is missing: S401."""
    start = ("-C", place.home, "archive", "backup", "--json")
    assert call(*start).code == "S401"
    assert call(*start, "--to", place.home / "nowhere").code == "S401"
    assert call(*start, "--to", place.home / "archive").code == "S401"
    assert call(*start, "--to", "nosuch://x/y").code == "S401"
    assert call("-C", place.home, "archive", "snapshots", "--from", place.home / "nowhere", "--json").code == "S401"


def test_a_place_in_the_settings_and_one_of_fsspec(place: Place, call: Call) -> None:
    """Without `--to` the setting's place is taken; fsspec's `file://` reaches a folder like any other store."""
    file = place.home / "office.toml"
    own = f'backup = "file://{there(place)}"'
    file.write_text(file.read_text(encoding="utf-8").replace('backup = ""', own), encoding="utf-8")
    answer = call("-C", place.home, "archive", "backup", "--json")
    assert answer.status == 0, answer.err
    assert any(name.startswith("snapshots/") for name in contents(there(place)))
    listed = call("-C", place.home, "archive", "snapshots", "--json").document["snapshots"]
    assert [row["snapshot"] for row in listed] == [answer.document["snapshot"]]


def test_a_damaged_list_is_shown(place: Place, call: Call) -> None:
    """`snapshots` ends with 4 and names the list that does not hold; on a bare machine lists are not compared."""
    made = backed_up(place, call)
    bare = call("-C", place.home.parent, "archive", "snapshots", "--from", there(place), "--json")
    assert [row["list"] for row in bare.document["snapshots"]] == ["not compared"]
    damage(there(place) / f"snapshots/{made['snapshot']}.note", 60)
    answer = call("-C", place.home, "archive", "snapshots", "--from", there(place), "--json")
    assert (answer.status, [row["list"] for row in answer.document["snapshots"]]) == (4, ["A512"])


def test_names_for_the_journal() -> None:
    """An address is named without user, password and query."""
    assert backup_places.named("sftp://user:secret@host:22/folder") == "sftp://host:22/folder"
    assert backup_places.named("s3://key:secret@bucket/x?token=1#y") == "s3://bucket/x"
    assert backup_places.named("backups") == str(Path("backups").absolute())


@pytest.mark.parametrize(
    "text",
    [
        '[storage]\nledger = "a" # x\nfolder = "b"\n[keys]\nledger = "c"\n',
        '# nothing\n[office]\nname = "[storage]"\n',
        "[storage]  # here\n[keys]\n",
        "",
    ],
)
def test_settings_are_changed_in_place(text: str) -> None:
    """The two settings come out as asked, everything else as it was, quotes and backslashes included."""
    import tomllib

    wanted = {"ledger": 'postgresql+psycopg://u:p"\\@h/d', "folder": ""}
    after = tomllib.loads(settled(text, **wanted))
    assert after.pop("storage") == wanted
    before = tomllib.loads(text)
    before.pop("storage", None)
    assert after == before
    assert [line for line in text.split("\n") if "#" in line and "ledger" not in line] == [
        line for line in settled(text, **wanted).split("\n") if "#" in line
    ]


def test_the_page_in_every_language(place: Place, call: Call) -> None:
    """The page is well-formed in each language, says the same figures, and no word is missing."""
    backed_up(place, call)
    with Office.at(place.home) as office:
        wrap = office.wrap
        with backup_places.opened(str(there(place)), "", Path("x"), 1.0) as folder:
            found = backups.restoring.open_snapshot(folder, "", wrap)
            done = backups.drill_office(office, folder, found, wrap, "<elsewhere>", _now())
    assert len({frozenset(words) for words in WORDS.values()}) == 1
    for language in WORDS:
        text = page(done, "x.note", language).decode()
        assert etree.fromstring(text.encode()).get("lang", "").startswith(language)
        assert "&lt;elsewhere&gt;" in text
        assert done.snapshot in text


def test_a_missing_key_file_is_told(tmp_path: Path) -> None:
    """A key that is not there is S408."""
    with pytest.raises(UsageError, match="S408"):
        backups.key_at(tmp_path / "none", tmp_path / "none")
