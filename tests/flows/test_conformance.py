"""The conformance kit: every vector provokes its code, here, at a real receiver, and by `jiexu check` alike."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest

from archive import cases
from archive.arrivals import Arrival
from flows import founding, opening, partner_staff, writing
from flows.conformance import flaws, kit, letters, packages, signed, stories
from flows.founding import Plan
from flows.opening import Addressed
from flows.own_card import own_card
from flows.reports import OpenReport
from flows.times import now
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import RefusedError
from formats.messages import Delivery, Return
from formats.reasons import reasons
from formats.xml import decode, encode
from tests import exchange, parts
from tests.command_line import Call
from tests.exchange import parcel
from tests.office import Pair, configure, copied, found_pair
from tests.vectors.build import MANIFEST, ON, manifest
from transfer import envelope
from transfer.naming import PackageName, parse_name
from transfer.partners import Directory

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)


@cache
def vectors() -> tuple[kit.Vector, ...]:
    """The vectors on the tests' day."""
    return kit.vectors(ON)


@cache
def keys() -> packages.Keys:
    """Keys of a kit."""
    return packages.new_keys()


def code_of(vector: kit.Vector) -> str:
    """The code that the vector is about, empty for a good one."""
    found = re.match("invalid/([TMR][0-9]{3})-", vector.folder)
    return found[1] if found else ""


def test_every_vector_provokes_its_code_and_only_it() -> None:
    """The codes found are the one in the folder's name, or none where it is of a good message."""
    for vector in vectors():
        code = code_of(vector)
        assert {one.code for one in vector.expected} == ({code} if code else set()), vector.folder


def test_every_code_has_a_vector_or_a_reason_for_none() -> None:
    """Each code of messages and packages has one vector, or stands in the list of those that cannot; no more."""
    named = [code for vector in vectors() if (code := code_of(vector))]
    named += [story.code for story in stories.stories()]
    named += [code for code in signed.NAMES if code]
    assert len(named) == len(set(named))
    assert not set(named) & flaws.ELSEWHERE.keys()
    assert {*named, *flaws.ELSEWHERE} == {code for code in reasons() if code[0] in "TMRLC"}
    readme = kit.documents(())["README.md"].decode()
    told = set(re.findall("[TMRLC][0-9]{3}", readme.partition("## What has no vector")[2]))
    assert told == flaws.ELSEWHERE.keys()


def test_message_ids_and_sequences_are_each_vector_s_own() -> None:
    """Run in any order, no vector looks like another that came before."""
    assert len({vector.name.message_id for vector in vectors()}) == len(vectors())
    assert len({vector.name.sequence for vector in vectors()}) == len(vectors())


def test_the_documents_are_those_of_the_manifest() -> None:
    """Documents and expectations are made anew, byte by byte as committed (`python -m tests.vectors.build`)."""
    assert manifest() == MANIFEST.read_text(encoding="utf-8")


def opened(vector: kit.Vector) -> str:
    """The code with which a receiver with the kit's keys puts the package aside, or that it holds the document."""
    try:
        data = envelope.unseal(vector.sealed(keys()), [keys().unlocked[vector.name.receiver]], keys().pins, AT).data
    except RefusedError as error:
        return error.code
    return "document" if data == vector.document else "another document"


def test_the_packages_open_or_are_refused_with_their_code() -> None:
    """Packages differ in session keys: each holds its document, or is refused as its folder says."""
    for vector in vectors():
        code = code_of(vector)
        expected = code if code in packages.PACKAGES else "document"
        assert opened(vector) == expected, vector.folder
        assert parse_name(str(vector.name)) == vector.name


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Two offices of the environment `test` that know each other and nobody else."""
    pair = found_pair(tmp_path_factory.mktemp("conformance"))
    for home in (pair.sender, pair.receiver):
        configure(home, environment="test")
    return pair


def received(office: Office, pair: Pair, vector: kit.Vector) -> opening.Opening:
    """What the receiver makes of the vector's document, sealed by the sender it knows."""
    item = parcel(pair.sender, pair.receiver, vector.name, vector.document)
    office.inbox.write([item.data])
    return opening.open_package(office, Arrival(1, item.name, sha256(item.data), len(item.data)), now())


def test_check_finds_what_the_receiver_finds(pair: Pair, call: Call, tmp_path: Path) -> None:
    """`jiexu check` gives the codes of a real receiver's opening for every delivery of the kit, in the same order."""
    to_new = [one for one in vectors() if one.name.receiver == letters.NEW and code_of(one) not in OF_PACKAGES]
    files = {vector.folder: tmp_path / f"{number}.xml" for number, vector in enumerate(to_new)}
    for vector in to_new:
        files[vector.folder].write_bytes(vector.document)
    told = call("-C", pair.sender, "check", *files.values(), "--receiver", letters.NEW, "--json").document["files"]
    checked = {row["file"]: [one["code"] for one in row["findings"]] for row in told}
    with Office.at(pair.receiver) as office:
        for vector in to_new:
            judged = received(office, pair, vector)
            assert isinstance(judged, Addressed), vector.folder
            codes = [one.code for one in judged.findings]
            assert codes == checked[str(files[vector.folder])] == [one.code for one in vector.expected], vector.folder
    assert sum(not codes for codes in checked.values()) == 3


OF_PACKAGES = {*packages.PACKAGES, *packages.NAMES}


def test_a_name_that_disagrees_is_refused_by_the_receiver(pair: Pair) -> None:
    """A sender or a number in the file name that is not the document's: T133 quarantined, M192 answered."""
    found = {}
    with Office.at(pair.receiver) as office:
        for vector in vectors():
            if (code := code_of(vector)) in packages.NAMES:
                judged = received(office, pair, vector)
                found[code] = judged.findings[0].code if isinstance(judged, Addressed) else getattr(judged, "code", "")
    assert found == {code: code for code in packages.NAMES}


def test_the_kit_is_written_and_compared(call: Call, tmp_path: Path) -> None:
    """A program that finds what is expected differs nowhere; one that misses or invents a code is told where."""
    told = call("conformance", tmp_path / "kit", "--json")
    assert (told.status, told.document["vectors"]) == (0, len(vectors()) + len(stories.stories()) + len(signed.NAMES))
    rows = ["vector,code"]
    for file in sorted((tmp_path / "kit").glob("*valid/*/expected.json")):
        expected = json.loads(file.read_text(encoding="utf-8"))
        assert (file.parent / expected["package"]).exists()
        rows += [f"{expected['vector']},{one['code']}" for one in expected["findings"]] or [f"{expected['vector']},"]
    rows += [f"{told},{' '.join(codes)}" for told, codes in sequences(tmp_path / "kit")]
    rows += [f"signed/{name},{code}" for code, name in signed.NAMES.items()]
    assert len(list((tmp_path / "kit" / "signed").glob("*/*.pgp"))) == len(signed.NAMES)
    table = tmp_path / "results.csv"
    table.write_text("\n".join(rows), encoding="utf-8")
    assert call("conformance", "--check", table, "--json").document == {"differ": []}
    # What the receiver's own records say does not count.
    table.write_text("\n".join([*rows, "valid/receipt-accepted,C401"]), encoding="utf-8")
    assert call("conformance", "--check", table).status == 0
    wrong = [row.replace("check-digit,R001", "check-digit,R002") for row in rows if "valid/return" not in row]
    wrong = [row.replace("another-name,L303", "another-name,") for row in wrong]
    table.write_text("\n".join(wrong), encoding="utf-8")
    answer = call("conformance", "--check", table, "--json")
    assert answer.status == 4
    assert answer.document["differ"] == [
        {"vector": "valid/return", "expected": [], "found": ["not run"]},
        {"vector": "invalid/R001-check-digit", "expected": ["R001"], "found": ["R002"]},
        {"vector": "sequence/L303-another-name", "expected": ["L303"], "found": []},
    ]


def sequences(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The sequences of a kit that was written, whose packages are all there, and the codes of their last messages."""
    for file in sorted(folder.glob("sequence/*/expected.json")):
        expected = json.loads(file.read_text(encoding="utf-8"))
        steps = [step for step in expected["steps"] if "act" not in step]
        assert all((file.parent / step[name]).exists() for step in steps for name in ("document", "package"))
        yield expected["vector"], expected["steps"][-1]["codes"]


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ("a,b\n", ("--check", "TABLE"), "S421"),
        ("", (), "S421"),
        ("", ("DIR", "--check", "TABLE"), "S421"),
        ("", ("TABLE",), "S414"),
    ],
)
def test_what_cannot_be_done_is_named(text: str, words: tuple[str, ...], code: str, call: Call, tmp_path: Path) -> None:
    """A table without its columns, neither or both of folder and table, a folder that is a file."""
    table = tmp_path / "table.csv"
    table.write_text(text, encoding="utf-8")
    places = {"TABLE": str(table), "DIR": str(tmp_path / "new")}
    assert call("conformance", *(places.get(word, word) for word in words), "--json").code == code


def test_check_knows_the_addressee_and_the_stages(pair: Pair, call: Call, tmp_path: Path) -> None:
    """Without `--receiver` whom the document names is right; with another office it is M170."""
    good = next(vector for vector in vectors() if vector.folder == "valid/delivery")
    assert isinstance(decode(good.document), Delivery)
    file = tmp_path / "good.xml"
    file.write_bytes(good.document)
    assert call("-C", pair.sender, "check", file).status == 0
    answer = call("-C", pair.sender, "check", file, "--receiver", "51010001", "--json")
    assert [one["code"] for one in answer.document["files"][0]["findings"]] == ["M170"]


def test_check_opens_a_package_as_its_receiver_does(pair: Pair, call: Call, tmp_path: Path) -> None:
    """At the receiver's home a package gives the code of its opening: good, damaged, or under another name."""
    good = next(vector for vector in vectors() if vector.folder == "valid/delivery")
    item = parcel(pair.sender, pair.receiver, good.name, good.document)
    damaged = item.data[:-1] + bytes([item.data[-1] ^ 1])
    names = {code: naming(good.name) for code, (_, naming) in packages.NAMES.items()}
    for file, data, codes in (
        (item.name, item.data, []),
        ("named-by-hand.pgp", item.data, []),
        ("damaged.pgp", damaged, ["T113"]),
        *((str(name), item.data, [code]) for code, name in names.items()),
    ):
        (tmp_path / file).write_bytes(data)
        answer = call("-C", pair.receiver, "check", tmp_path / file, "--json")
        assert [one["code"] for one in answer.document["files"][0]["findings"]] == codes
        assert answer.status == (4 if codes else 0)
    answer = call("-C", pair.sender, "check", tmp_path / "damaged.pgp", "--json")
    assert [one["code"] for one in answer.document["files"][0]["findings"]] == ["T111"]


def test_every_other_code_is_provoked_by_a_test() -> None:
    """Each code of services, archive and migration, and each that has no vector, stands in some test."""
    here = Path(__file__)
    texts = [file.read_text(encoding="utf-8") for file in (parts.ROOT / "tests").rglob("*.py") if file != here]
    named = {code for text in texts for code in re.findall(r"\b[SADC][0-9]{3}\b", text)}
    assert ({code for code in reasons() if code[0] in "SAD"} | flaws.ELSEWHERE.keys()) - named == HERE


# Those that the tests below provoke.
HERE = frozenset({"S422"})


def test_an_interrupted_command_is_s422(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that somebody stops with Ctrl-C ends with the code of what was stopped."""

    def stopped(folder: Path, on: date) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(kit, "write", stopped)
    assert call("conformance", tmp_path / "kit", "--json").code == "S422"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The kit's offices in the environment `test`, and the third one beside them, which the receiver knows too."""
    folder = tmp_path_factory.mktemp("three")
    pair = found_pair(folder)
    third = folder / "wuhan"
    founding.found(third, Plan(stories.OTHER, "武汉", f"folder:{folder / 'exchange' / stories.OTHER}"), now())
    with Office.at(third) as office:
        Directory.add(pair.receiver / "partners", own_card(office), now())
    for home in (pair.sender, pair.receiver, third):
        configure(home, environment="test")
    return pair


@pytest.mark.parametrize("story", stories.stories(), ids=lambda story: story.folder)
def test_a_story_is_answered_as_it_says(story: stories.Story, three: Pair) -> None:
    """Each step in its turn gets the outcome and the codes of the kit, from a real office; only the last is wrong."""
    homes = {
        letters.OLD: three.sender,
        letters.NEW: three.receiver,
        stories.OTHER: three.receiver.parent / "wuhan",
    }
    for message, answer in zip(story.steps, story.answers, strict=True):
        if isinstance(message, stories.Act):
            assert _done(three.receiver, story, message) == answer
            continue
        header = message.header
        name = PackageName(header.sender, header.receiver, header.sequence, header.message_id)
        sender, receiver = homes[header.sender], homes[header.receiver]
        exchange.deliver(receiver, parcel(sender, receiver, name, encode(message)))
        opened = exchange.receive(receiver).opened
        assert _answer(opened) == answer
    assert {code for one in story.answers[:-1] for code in one.codes} == set()
    assert set(story.answers[-1].codes) == ({story.code} if story.code != "M200" else set())  # answered as before


def _done(home: Path, story: stories.Story, act: stories.Act) -> stories.Answer:
    """What comes of an act about the delivery that came first."""
    delivery = story.messages[1]
    number = delivery.header.case
    if act.name == "alter":
        with closing(sqlite3.connect(home / "records.db")) as database, database:
            sql = "UPDATE ac43 SET aae180 = 7000.01 WHERE aac001 = ? AND aae140 = '210' AND aae003 = '202105'"
            assert database.execute(sql, (number.replace("-", ""),)).rowcount == 1
        return stories.Answer("done")
    with Office.at(home) as office:
        writing.send_back(office, number, act.reason, "请核对", "staff-3", now())
        (sent,) = [row for row in cases.originals(office.ledger, number) if row.kind == "letter-sent"]
        message = decode(office.store.read(sent.digest))
        assert isinstance(message, Return)
        return stories.Answer(str(cases.find(office.ledger, number).state), tuple(one.code for one in message.findings))


def _answer(report: OpenReport) -> stories.Answer:
    """What a pass made of the one package that it found."""
    if report.repeated:
        return stories.Answer("repeated")
    if report.quarantined:
        return stories.Answer("quarantined", tuple(one.code for one in report.quarantined))
    judged = [("accepted", one) for one in report.accepted] + [("rejected", one) for one in report.rejected]
    found = [*judged, *((one.outcome, one) for one in report.read)]
    ((outcome, one),) = found
    return stories.Answer(outcome, tuple(finding.code for finding in one.findings))


def test_signed_approvals_are_judged_as_their_folders_say(three: Pair, call: Call, tmp_path: Path) -> None:
    """With the sender's card on file, a delivery that all have signed is accepted, each flaw is its code and only it.

    `jiexu check` finds the same, in the receiver's home and with the card given elsewhere; without a card it does not.
    """
    pair = copied(three.sender.parent, tmp_path)
    people = signed.staff()
    with Office.at(pair.sender) as sender, Office.at(pair.receiver) as receiver:
        card = people.card(sender.key, now())
        partner_staff.add(receiver, card, "staff-9", now())
    (tmp_path / "old.staff").write_text(card, encoding="utf-8")
    for code, delivery in signed.deliveries(people).items():
        file = tmp_path / f"{code}.xml"
        file.write_bytes(encode(delivery))
        for home, words, expected in (
            (pair.receiver, (), [code] if code else []),
            (pair.sender, ("--staff", tmp_path / "old.staff"), [code] if code else []),
            (pair.sender, (), []),
        ):
            told = call("-C", home, "check", file, *words, "--json").document["files"][0]["findings"]
            assert [one["code"] for one in told] == expected
        item = parcel(pair.sender, pair.receiver, packages.name_of(delivery), encode(delivery))
        exchange.deliver(pair.receiver, item)
        answer = _answer(exchange.receive(pair.receiver).opened)
        if code:
            assert answer == stories.Answer("rejected", (code,))
        else:
            assert answer.outcome == "accepted"
