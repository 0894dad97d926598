"""Text files of agencies (报盘): one row a line in GB 18030, read as described, every fault named by its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.decoding import Limits
from formats.errors import RefusedError, UsageError
from formats.interface.assembling import Imported
from formats.interface.text_description import Description, parse
from formats.interface.text_reading import read
from formats.record import Contribution, Person, Record

# Two people and three months; the second person's second month is a refund.
PEOPLE = """no|id|name|sex|born|work
3301|330106198503171212|周明远|男|19850317|20201215
3302|330106198005062320|阿依·努尔|女|19800506|20100101
"""
MONTHS = """no|kind|month|base|note
3301|01|202101|7000.00|
3301|01|202102|7000|x
3302|03|202101|5000.5|
"""
TEXT = """
name = "agency-report"

[files]
encoding = "gb18030-2022"

[files.people]
file = "people.txt"
delimiter = "|"
header = true
columns = ["no", "id", "name", "sex", "born", "work"]

[files.months]
file = "months.txt"
delimiter = "|"
header = true
columns = ["no", "kind", "month", "base", "note"]

[codes.sex]
"男" = "1"
"女" = "2"

[codes.kinds]
"01" = "110"
"03" = "310"

[leave]
kinds = ["99"]

[privateUse]
"U+E5E5" = "U+4DAE"

[person]
table = "people"
personNumber = "no"

[person.fields]
socialSecurityNumber = { column = "id" }
name = { column = "name" }
sex = { column = "sex", codes = "sex" }
ethnicGroup = { constant = "" }
birthDate = { column = "born", as = "date8" }
firstWorkDate = { column = "work", as = "date8" }
documentType = { constant = "01" }
documentNumber = { same = "socialSecurityNumber" }
nationality = { constant = "CHN" }
householdPlace = { constant = "" }
personalStatus = { constant = "" }
employmentStatus = { constant = "" }
firstEnrolmentMonth = { constant = "" }
retirementDate = { constant = "" }
deathDate = { constant = "" }

[contribution]
table = "months"
personNumber = "no"

[contribution.fields]
kind = { column = "kind", codes = "kinds" }
month = { column = "month", as = "month6" }
settled = { constant = "" }
contributionType = { constant = "10" }
division = { constant = "330106" }
employerId = { constant = "" }
wage = { constant = "" }
base = { column = "base", as = "money" }
employerRate = { constant = "" }
personRate = { constant = "" }
employerDue = { constant = "" }
employerDueAccount = { constant = "" }
personDue = { constant = "" }
personDueAccount = { constant = "" }
employerPaid = { constant = "" }
employerPaidAccount = { constant = "" }
personPaid = { constant = "" }
personPaidAccount = { constant = "" }
received = { constant = "" }
"""
FIXED = TEXT.replace(
    'delimiter = "|"\nheader = true\ncolumns = ["no", "id", "name", "sex", "born", "work"]',
    "bytes = { no = [0, 4], id = [4, 18], name = [22, 12], sex = [34, 2], born = [36, 8], work = [44, 8] }",
)


def of_files(people: str = PEOPLE, months: str = MONTHS, text: str = TEXT) -> Imported:
    """What the files would be, in GB 18030 with the line ends of Windows."""
    files = {"people.txt": people, "months.txt": months}
    return read(parse(text), {name: each.replace("\n", "\r\n").encode("gb18030") for name, each in files.items()})


def a_person(name: str = "周明远", number: str = "330106198503171212") -> Person:
    """The first person as the files have it."""
    empty = dict.fromkeys(Person._fields, "")
    known = {"social_security_number": number, "document_number": number, "name": name, "sex": "1"}
    more = {"birth_date": "1985-03-17", "first_work_date": "2020-12-15", "document_type": "01", "nationality": "CHN"}
    return Person(**{**empty, **known, **more})


def a_month(month: str, base: str, kind: str = "110") -> Contribution:
    """A contribution as the files have it."""
    empty = dict.fromkeys(Contribution._fields, "")
    return Contribution(
        **{**empty, "kind": kind, "month": month, "base": base, "contribution_type": "10", "division": "330106"}
    )


def test_people_and_months() -> None:
    """Codes, dates, months and amounts become the record's; columns without a field are counted."""
    found = of_files()
    first, second = found.records
    assert first == Record(a_person(), contributions=(a_month("2021-01", "7000.00"), a_month("2021-02", "7000.00")))
    assert (second.person.name, second.person.sex, second.contributions[0].kind) == ("阿依·努尔", "2", "310")
    assert second.contributions[0].base == "5000.50"
    assert (found.findings, found.kept_out, dict(found.unread)) == ((), 0, {"months.txt: note": 1})
    assert found.rows == {"person": 2, "contribution": 3}


def test_fixed_width_is_bytes() -> None:
    """A Chinese character takes two positions, a rare one four; the wide blank and the mark of the end are no text."""
    rows = [("周明远", "男"), ("䶮", "男")]
    lines = b""
    for name, sex in rows:
        lines += b"3301" + b"330106198503171212" + _padded(name, 12) + sex.encode("gb18030") + b"1985031720201215\n"
    found = read(
        parse(FIXED),
        {
            "people.txt": lines.replace(b"3301330106", b"3300330106", 1) + b"\x1a",
            "months.txt": MONTHS.splitlines()[0].encode(),
        },
    )
    assert [record.person.name for record in found.records] == ["周明远", "䶮"]
    wide = "周明\u3000".encode("gb18030").ljust(12)
    line = b"3301330106198503171212" + wide + "男".encode("gb18030") + b"1985031720201215"
    header = MONTHS.splitlines()[0].encode()
    assert read(parse(FIXED), {"people.txt": line, "months.txt": header}).records[0].person.name == "周明"
    cut = b"3301330106198503171212" + "周明远周明".encode("gb18030") + b"x\xd6" + b"\xc4\xd0" + b"1985031720201215"
    assert read(parse(FIXED), {"people.txt": cut, "months.txt": header}).counts == {"D611": 1}
    assert read(parse(FIXED), {"people.txt": line + b"x", "months.txt": header}).counts == {"S461": 1}


def _padded(text: str, size: int) -> bytes:
    return text.encode("gb18030").ljust(size)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="|\n\r\x1a \u3000", exclude_categories=["Cs", "Co"]), min_size=1),
            st.integers(0, 10**12),
        ),
        max_size=5,
    )
)
def test_any_name_and_amount(rows: list[tuple[str, int]]) -> None:
    """Whatever characters a name has, and whatever amounts: they come out as they went in."""
    people, months, wanted = PEOPLE.splitlines()[0] + "\n", MONTHS.splitlines()[0] + "\n", []
    for number, (name, fen) in enumerate(rows):
        amount = f"{fen // 100}.{fen % 100:02}"
        people += f"{number}|330106198503171212|{name}|男|19850317|20201215\n"
        months += f"{number}|01|202101|{amount}|\n"
        wanted.append(Record(a_person(name), contributions=(a_month("2021-01", amount),)))
    files = {"people.txt": people.encode("gb18030"), "months.txt": months.encode("gb18030")}
    assert read(parse(TEXT), files).records == tuple(wanted)


@pytest.mark.parametrize(
    ("people", "months", "code", "place"),
    [
        (("330106198503171212", "330106850317121"), None, "S463", "people.txt line 2, id"),
        (("330106198503171212", "3.30106E+17"), None, "S465", "people.txt line 2, id"),
        (("330106198503171212", "330106198503171000"), None, "S465", "people.txt line 2, id"),
        (("|19850317", "|31123"), None, "S464", "people.txt line 2, born"),
        (("|19850317", "|1985/3/17"), None, "S464", "people.txt line 2, born"),
        (("|19850317", "|1985031x"), None, "S462", "people.txt line 2, born"),
        (("男", "M"), None, "S460", "people.txt line 2, sex"),
        (("周明远", "周\ue123远"), None, "S466", "people.txt line 2, name"),
        (None, ("3301|01|202101", "3301|01|44197"), "S464", "months.txt line 2, month"),
        (None, ("3301|01|202101", "3301|01|2021.01"), "S464", "months.txt line 2, month"),
        (None, ("3301|01|202101", "3301|07|202101"), "S460", "months.txt line 2, kind"),
        (None, ("7000.00", "7,000"), "S462", "months.txt line 2, base"),
        (None, ("7000.00", "7000.001"), "S462", "months.txt line 2, base"),
        (None, ("3301|01|202101", "9999|01|202101"), "S467", "months.txt line 2"),
    ],
)
def test_a_fault_is_named_and_keeps_its_person_out(
    people: tuple[str, str] | None, months: tuple[str, str] | None, code: str, place: str
) -> None:
    """Each fault has its own reason and its place, without the value; the person's record is kept out, others' not."""
    found = of_files(PEOPLE.replace(*people, 1) if people else PEOPLE, MONTHS.replace(*months, 1) if months else MONTHS)
    (finding,) = found.findings
    assert (finding.code, finding.path) == (code, place)
    value = (people or months or ("", ""))[1].split("|")[-1]
    assert value not in "".join(finding[2:])
    if code == "S467":
        assert (len(found.records), found.kept_out) == (2, 0)
    else:
        assert ([record.person.name for record in found.records], found.kept_out) == (["阿依·努尔"], 1)


def test_private_use_is_mapped_or_listed_never_dropped() -> None:
    """A character of the site's table becomes what it stands for; one that is not there is listed by its code point."""
    named = PEOPLE.replace("周明远", "周明\ue5e5")
    assert of_files(named).records[0].person.name == "周明䶮"
    found = of_files(PEOPLE.replace("周明远", "周\ue123\ue123"))
    assert found.private_use == {"U+E123": 2}
    # A6D9 was private in 2000 and is a standard character since 2022.
    old = PEOPLE.encode("gb18030").replace("远".encode("gb18030"), b"\xa6\xd9")
    assert read(parse(TEXT), {"people.txt": old, "months.txt": MONTHS.encode()}).records[0].person.name == "周明\ufe10"
    edition = parse(TEXT.replace("gb18030-2022", "gb18030-2005"))
    assert read(edition, {"people.txt": old, "months.txt": MONTHS.encode()}).private_use == {"U+E78D": 1}


def test_rows_that_are_declared_as_left_out_are_told() -> None:
    """A kind under [leave] is no part of the record, and is counted."""
    found = of_files(months=MONTHS + "3301|99|202101|1.00|\n")
    assert len(found.records[0].contributions) == 2
    assert found.unread["months.txt: left out by kind"] == 1


def test_a_line_that_belongs_to_nobody_keeps_all_out() -> None:
    """Bytes that are none, or too few cells: whose row it was is not known, so nobody's record is whole."""
    broken = MONTHS.encode("gb18030") + b"3301|01|2021\xff|1|\n"
    found = read(parse(TEXT), {"people.txt": PEOPLE.encode("gb18030"), "months.txt": broken})
    assert (found.records, found.kept_out) == ((), 2)
    assert [(one.code, one.path) for one in found.findings] == [("D611", "months.txt line 5, byte 12")]
    found = of_files(months=MONTHS + "3301|01|202103\n")
    assert (found.records, found.kept_out) == ((), 2)
    assert [(one.code, one.path) for one in found.findings] == [("S461", "months.txt line 5")]


def test_one_person_twice() -> None:
    """Two rows of one number that disagree keep the person out; which one holds is not for a program to say."""
    found = of_files(PEOPLE + "3301|330106198503171212|周明|男|19850317|20201215\n")
    assert [record.person.name for record in found.records] == ["阿依·努尔"]
    assert [(one.code, one.path) for one in found.findings] == [("S462", "people.txt line 4/name")]


def test_files_and_limits() -> None:
    """A missing file, another header, too many lines: refused by the file's name."""
    description = parse(TEXT)
    assert isinstance(description, Description)
    assert description.files == ("people.txt", "months.txt")
    with pytest.raises(RefusedError, match=r"S461.*months\.txt"):
        read(description, {"people.txt": PEOPLE.encode("gb18030")})
    with pytest.raises(RefusedError, match=r"S461.*people\.txt line 1"):
        of_files(PEOPLE.replace("no|id", "id|no", 1))
    with pytest.raises(RefusedError, match=r"M152.*people\.txt"):
        read(description, {"people.txt": b"\n" * 9, "months.txt": b""}, Limits(rows=8))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("[files]", "[files", "not TOML"),
        ('encoding = "gb18030-2022"', 'encoding = "big5"', "encoding big5"),
        ('encoding = "gb18030-2022"', "encoding = 5", r"files\.encoding"),
        ("[files.people]", "[files.persons]", r"there is no \[files\.people\]"),
        ('file = "people.txt"', 'file = "../people.txt"', "name of a file"),
        ('delimiter = "|"', 'delimiter = "||"', "one character"),
        ('delimiter = "|"', "", "a delimiter with columns, or bytes"),
        ("header = true", 'quote = "x"', "unknown: quote"),
        ('"name", "sex"', '"sex", "sex"', "different names"),
        ('"name", "sex"', '"sex"', r"people\.txt has no column name"),
        ('name = { column = "name" }', "", r"person\.fields\.name"),
    ],
)
def test_wrong_descriptions(old: str, new: str, where: str) -> None:
    """A description with a mistake is refused, with the place of the mistake."""
    assert old in TEXT
    with pytest.raises(UsageError, match=where) as caught:
        parse(TEXT.replace(old, new, 1))
    assert caught.value.code in ("D629", "S415")


@pytest.mark.parametrize("place", ["[22]", "[22, 0]", "[-1, 2]", '["22", 2]', "[22, true]"])
def test_wrong_places_of_bytes(place: str) -> None:
    """A column of fixed width is its first byte and how many."""
    with pytest.raises(UsageError, match=r"bytes\.name must be"):
        parse(FIXED.replace("name = [22, 12]", f"name = {place}"))
