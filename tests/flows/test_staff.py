"""The office's roster at the command line: who is put on it, who may then act, and what partners get of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archive import journal
from flows import approving, destroying, partner_staff, roster
from flows import staff as files
from flows.times import now, utc_text
from flows.wiring import Office
from formats.errors import UsageError
from tests import staff
from tests.command_line import Answer, Call, Place
from transfer import detached, staff_cards
from transfer.staff_cards import StaffCard

ADMINISTRATOR = "staff-0"


@pytest.fixture
def desk(place: Place, tmp_path: Path, call: Call) -> "Desk":
    """The commands that change the roster."""
    return Desk(place, tmp_path, call)


class Desk:
    """Puts people on the roster, as `by`."""

    def __init__(self, place: Place, folder: Path, call: Call) -> None:
        self.place, self.folder, self.call = place, folder, call

    def staff(self, *words: str | Path, by: str = ADMINISTRATOR) -> Answer:
        """`jiexu staff … --by`."""
        return self.call("-C", self.place.home, "staff", *words, "--by", by, "--json")

    def added(self, name: str, key: str = "", by: str = ADMINISTRATOR) -> Answer:
        """A person with a certificate."""
        own = staff.key(key or name)
        file = self.folder / f"{own.fingerprint}.asc"
        file.write_text(own.public.armored, encoding="ascii")
        return self.staff("add", name, file, "--fingerprint", own.fingerprint.lower(), by=by)

    def employed(self, name: str, role: str) -> None:
        """A person with a certificate and a role from now on."""
        assert self.added(name).status == 0
        assert self.staff("role", name, role).status == 0

    def approve(self, name: str) -> Answer:
        """`jiexu case approve` of the first stage."""
        words = ("case", "approve", self.place.fresh, "--stage", "handler", "--by", name, "--json")
        return self.call("-C", self.place.home, *words)


def test_nobody_is_kept_from_anything_without_a_roster(desk: Desk) -> None:
    """As before there was one; a roster of people without roles keeps nobody from anything either."""
    assert desk.added("staff-7").status == 0
    assert desk.approve("whoever").status == 0


def test_who_acts_must_be_on_the_roster(desk: Desk) -> None:
    """With a role in force: S470 who is not there, has none yet or none any more; S471 who has not the stage's."""
    desk.employed(ADMINISTRATOR, "system-administrator")
    desk.employed("staff-reviewer", "reviewer")
    assert desk.added("staff-handler").status == 0
    assert desk.approve("stranger").code == "S470"
    assert desk.approve("staff-handler").code == "S470"
    later = utc_text(now() + timedelta(days=1))
    assert desk.staff("role", "staff-handler", "handler", "--from", later).status == 0
    assert desk.approve("staff-handler").code == "S470"
    assert desk.approve("staff-reviewer").code == "S471"
    assert desk.staff("role", "staff-handler", "handler").status == 0
    assert desk.approve("staff-handler").status == 0
    assert desk.staff("end", "staff-handler").status == 0
    assert desk.approve("staff-handler").code == "S470"


@pytest.mark.parametrize(
    "words", ["archive holds", "archive audit", "case hold FRESH --why x", "partner rotate --begin"]
)
def test_other_commands_ask_the_roster_too(words: str, desk: Desk) -> None:
    """Whoever is named with --by must hold some role; what the service does by itself it still does."""
    desk.employed(ADMINISTRATOR, "system-administrator")
    line = ["-C", desk.place.home, *desk.place.fill_in(words), "--json"]
    if words == "archive holds":
        assert desk.call(*line).status == 0
        return
    for name in ("stranger", "service", "operator"):
        assert desk.call(*line, "--by", name).code == "S470"
    assert desk.call(*line, "--by", ADMINISTRATOR).status == 0
    if words == "archive audit":
        assert desk.call(*line).status == 0
    elif words == "partner rotate --begin":
        assert desk.call(*line).status == 2


def test_a_lookup_needs_its_role(desk: Desk) -> None:
    """`--user` must hold the role lookup: S470 and S471, and nothing is registered; with it the lookup goes on."""
    desk.employed(ADMINISTRATOR, "system-administrator")
    desk.employed("staff-7", "lookup")
    words = "lookup person PERSON --as person --requester R1 --purpose own --basis id-card --json --user"
    line = ["-C", desk.place.home, *desk.place.fill_in(words)]
    assert desk.call(*line, "stranger").code == "S470"
    assert desk.call(*line, ADMINISTRATOR).code == "S471"
    assert desk.call(*line, "staff-7").status == 0


def test_administrators_do_not_handle_cases(desk: Desk) -> None:
    """S475 while the other role lasts, and the file stays as it is; afterwards it goes."""
    desk.employed(ADMINISTRATOR, "system-administrator")
    desk.employed("staff-7", "lookup")
    before = (desk.place.home / roster.FILE).read_bytes()
    assert desk.staff("role", "staff-7", "database-administrator").code == "S475"
    assert desk.staff("role", ADMINISTRATOR, "handler").code == "S475"
    assert (desk.place.home / roster.FILE).read_bytes() == before
    until = utc_text(now() + timedelta(hours=1))
    assert desk.staff("end", "staff-7", "--role", "lookup", "--at", until).status == 0
    assert desk.staff("role", "staff-7", "database-administrator").code == "S475"
    assert desk.staff("role", "staff-7", "database-administrator", "--from", until).status == 0
    assert desk.staff("role", "staff-7", "auditor", "--from", until, "--until", until).code == "S401"


def test_only_system_administrators_change_the_roster_once_there_is_one(desk: Desk) -> None:
    """Until then whoever holds a role; S470 who holds none, S471 who is none."""
    assert desk.added("staff-7", by="anybody").status == 0
    assert desk.staff("role", "staff-7", "auditor", by="anybody").status == 0
    assert desk.added("staff-8", by="anybody").code == "S470"
    assert desk.added("staff-8", by="staff-7").status == 0
    assert desk.staff("role", "staff-8", "system-administrator", by="staff-7").status == 0
    assert desk.added("staff-9", by="staff-7").code == "S471"
    assert desk.staff("end", "staff-8", by="staff-8").status == 0
    assert desk.added("staff-9", by="staff-7").status == 0


def test_one_key_is_one_person(desk: Desk) -> None:
    """The same certificate under two ids is S475; another one for a person goes behind the earlier, which stays."""
    assert desk.added("staff-7").status == 0
    assert desk.added("staff-8", key="staff-7").code == "S475"
    assert desk.added("staff-7").err == ""
    assert desk.added("staff-7").document["fingerprints"] == [staff.key("staff-7").fingerprint]
    answer = desk.added("staff-7", key="staff-7b")
    assert "its user id is not staff-7" in answer.err
    assert answer.document["fingerprints"] == [staff.key(name).fingerprint for name in ("staff-7", "staff-7b")]
    kept = (desk.place.home / "staff/staff-7.asc").read_text(encoding="ascii")
    assert kept == staff.key("staff-7b").public.armored


def test_a_certificate_is_put_there_only_with_its_fingerprint(desk: Desk) -> None:
    """T130 for another one, and where nobody is asked; S470 for what is no staff id; nothing is written."""
    file = desk.folder / "a.asc"
    file.write_text(staff.key("staff-7").public.armored, encoding="ascii")
    assert desk.staff("add", "staff-7", file, "--fingerprint", "00").code == "T130"
    own = staff.key("staff-7").fingerprint
    assert desk.staff("add", "../staff-7", file, "--fingerprint", own).code == "S470"
    assert not (desk.place.home / roster.FILE).exists()


def test_the_roster_does_not_stand_in_the_way_of_destruction(desk: Desk) -> None:
    """Orders of destruction are still signed by whoever has a certificate in staff/, each person once."""
    for name in ("staff-7", "staff-8"):
        assert desk.added(name).status == 0
    assert desk.staff("role", "staff-7", "auditor").status == 0
    with desk.place.office() as office:
        at = now()
        signatures = [detached.sign(b"order", staff.key(name), at) for name in ("staff-7", "staff-8")]
        assert [one.person for one in destroying.signed_by(office, b"order", signatures)] == ["staff-7", "staff-8"]


def test_every_change_is_in_the_journal(desk: Desk) -> None:
    """Who was put there, what was given and ended, by whom."""
    desk.employed(ADMINISTRATOR, "system-administrator")
    assert desk.staff("end", ADMINISTRATOR).status == 0
    with desk.place.office() as office:
        lines = [line for line in journal.entries(office.ledger) if line.kind.startswith("staff-")]
    assert [line.kind for line in lines] == ["staff-added", "staff-role-given", "staff-role-ended"]
    assert {line.who for line in lines} == {ADMINISTRATOR}
    assert {line.what["person"] for line in lines} == {ADMINISTRATOR}


def test_a_certificate_that_was_exchanged_by_hand_signs_nothing(desk: Desk) -> None:
    """What lies in staff/ must be the roster's: S473."""
    desk.employed("staff-handler", "handler")
    file = desk.place.home / "staff/staff-handler.asc"
    file.write_text(staff.key("staff-7").public.armored, encoding="ascii")
    with desk.place.office() as office, pytest.raises(UsageError, match="S473"):
        approving.sign(office, [desk.place.fresh], "handler", "staff-handler", staff.key("staff-7"), now())


def test_a_damaged_roster_stops_everything_it_rules(desk: Desk) -> None:
    """S401 with the file's name, never as if there were none."""
    desk.employed("staff-handler", "handler")
    (desk.place.home / roster.FILE).write_text("[[person]]\n", encoding="utf-8")
    assert desk.approve("staff-handler").code == "S401"
    (desk.place.home / roster.FILE).write_bytes(b"\xff")
    assert desk.approve("staff-handler").code == "S417"


def test_a_partner_takes_the_card_that_the_office_signed(desk: Desk) -> None:
    """On file with its people; an older one, one of a stranger, and one that was changed are S486."""
    desk.employed(ADMINISTRATOR, "system-administrator")
    home, other, file = desk.place.home, desk.place.home.parent / "shenzhen", desk.folder / "card"

    def written() -> str:
        assert desk.call("-C", home, "staff", "card", "-o", file, "--json").document["people"] == 1
        return file.read_text(encoding="utf-8")

    def taken(text: str) -> Answer:
        file.write_text(text, encoding="utf-8")
        return desk.call("-C", other, "partner", "staff", file, "--by", "staff-3", "--json")

    first = written()
    assert taken(first).document["people"] == 1
    assert taken(first).status == 0
    assert taken(first.replace("system", "database")).code == "S486"
    assert taken(first.partition("\n[signed]")[0]).code == "S486"
    with Office.at(other) as office:
        card, strange = partner_staff.own_card(office, now())
        assert card.people == {}
        later = StaffCard("33010001", now() + timedelta(days=1), {})
        forged = staff_cards.render(later, office.key, now())
    assert taken(strange).code == "S403"
    assert taken(forged).code == "S486"
    with Office.at(home) as office:
        newer = StaffCard("33010001", datetime.now(UTC) + timedelta(seconds=5), {})
        text = staff_cards.render(newer, office.key, now())
    assert taken(text).status == 0
    assert taken(first).code == "S486"
    assert files.partner_card(other, "33010001") == StaffCard("33010001", newer.issued.replace(microsecond=0), {})
    assert json.loads(taken(text).out)["partner"] == "33010001"


def test_a_role_that_is_given_while_another_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends is what the roster has under the lock: the journal has an entry for each role that is ended."""
    desk.employed(ADMINISTRATOR, "system-administrator")
    desk.employed("staff-1", "handler")
    with Office.at(desk.place.home) as office, monkeypatch.context() as slow:
        locked = roster.held

        def other_first(lock: Path) -> object:
            """Another administrator is quicker, once."""
            slow.setattr(roster, "held", locked)
            assert desk.staff("role", "staff-1", "lookup").status == 0
            return locked(lock)

        slow.setattr(roster, "held", other_first)
        person = roster.end(office, "staff-1", (), now() + timedelta(hours=1), ADMINISTRATOR, now())
        assert all(role.valid_to < now() + timedelta(hours=2) for role in person.roles)
        entries = [entry for entry in journal.entries(office.ledger) if entry.kind == "staff-role-ended"]
    assert sorted(str(entry.what["role"]) for entry in entries) == ["handler", "lookup"]
