"""The codec of the messages: exact round trips, stable bytes, limits, and details without values."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import bulk, xml
from formats.errors import RefusedError
from formats.messages import Delivery, Message, Receipt
from formats.record import Contribution, Record
from tests import builders

AWKWARD = (
    "\"'&<>",
    "䶮",
    "𬀩",
    "·",
    "•",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "　",
    "]]>",
    "&amp;",
    "&#9;",
    "<!--",
    "<?x?>",
    "xmlns=",
)
any_text = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
awkward = st.lists(st.one_of(st.sampled_from(AWKWARD), any_text), min_size=1, max_size=4).map("".join)
printable = awkward.filter(lambda text: not set(text) & {"\ufffe", "\uffff"})
fen = st.integers(-(10**15) + 1, 10**15 - 1).map(builders.money)


@st.composite
def contributions(draw: st.DrawFn) -> Contribution:
    """A contribution with any amounts, with or without what may be absent."""
    return builders.a_contribution(
        month=f"{draw(st.integers(1000, 2999)):04d}-{draw(st.integers(1, 12)):02d}",
        wage=draw(st.one_of(st.just(""), fen)),
        employer_due=draw(fen),
        employer_id=draw(st.sampled_from(["", "A-1", "3301060001"])),
        received=draw(st.sampled_from(["", "2024-02-29"])),
    )


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A record with awkward texts, and groups that may be empty."""
    return builders.a_record(
        person=builders.a_person(name=draw(printable), document_number=draw(printable)[:32], death_date=""),
        employers=(builders.an_employer(name=draw(printable)), builders.an_employer(industry="", division="")),
        contributions=tuple(draw(st.lists(contributions(), max_size=5))),
        subsidies=draw(st.sampled_from([(), (builders.a_subsidy(received=""), builders.a_subsidy())])),
        other=tuple(builders.an_entry(text=text) for text in draw(st.lists(printable, max_size=3))),
    )


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """A delivery of such a record."""
    return builders.a_delivery(
        header=builders.a_header(sequence=draw(st.integers(1, 10**18 - 1))), record=draw(records()), approvals=()
    )


@settings(max_examples=60, deadline=None)
@given(deliveries())
def test_delivery_round_trip(delivery: Delivery) -> None:
    """Decoding what was encoded gives the same delivery, whatever its texts hold."""
    assert xml.decode(xml.encode(delivery)) == delivery


@settings(max_examples=40, deadline=None)
@given(st.lists(printable, max_size=4), st.sampled_from(["", builders.CASE]))
def test_receipt_round_trip(texts: list[str], case: str) -> None:
    """Decoding what was encoded gives the same receipt, whatever its texts hold and with or without a case."""
    receipt = builders.a_receipt(
        header=replace(builders.a_receipt().header, case=case),
        findings=tuple(builders.a_finding(expected=text, path="", respond_by="") for text in texts),
    )
    assert xml.decode(xml.encode(receipt)) == receipt


@settings(max_examples=40, deadline=None)
@given(deliveries())
def test_lifted_rows_are_the_rows_of_the_tree(delivery: Delivery) -> None:
    """Reading the rows without a tree gives what the tree gives."""
    data = xml.encode(delivery)
    assert xml.decode(data) == xml.decode(the_long_way(data))


def test_plain_contributions_are_lifted() -> None:
    """The documents that we write ourselves take the short way, also where values are absent."""
    rows = (builders.a_contribution(), builders.a_contribution(month="2021-02", received="", wage="", employer_id=""))
    lifted = bulk.lift(xml.encode(builders.a_delivery(record=builders.a_record(contributions=rows))))
    assert lifted is not None
    assert lifted.contributions == rows


PIECES = (
    *(
        "<contributions>",
        "</contributions>",
        "\n<contribution ",
        "<benefits>",
        "<extension>",
        "</extension>",
        "/>",
        "<",
    ),
    *(
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&#48;",
        "&",
        "'",
        '"',
        "\n",
        " ",
        "周",
        "m:",
        ' xmlns:m="urn:jiexu:message:1"',
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_both_ways_agree_on_spoiled_documents(data: st.DataObject) -> None:
    """Whatever is put into a document, moved or cut out: both ways refuse it, or read the same message."""
    rows = (builders.a_contribution(), builders.a_contribution(month="2021-02", received=""))
    text = xml.encode(builders.a_delivery(approvals=(), record=builders.a_record(contributions=rows))).decode()
    start = text.index("<delivery")
    for _ in range(data.draw(st.integers(1, 3))):
        place, length = data.draw(st.integers(start + 10, len(text))), data.draw(st.integers(0, 60))
        moved = text[place : place + length]
        piece = data.draw(st.sampled_from((*PIECES, "", moved, moved + moved)))
        text = text[:place] + piece + text[place + data.draw(st.sampled_from((0, length))) :]
    assert outcome(text) == outcome(text[:start] + "<!-- -->" + text[start:])


OUTSIDE: dict[str, Callable[[str], str]] = {
    "other attribute order": lambda text: text.replace('kind="110" month="2021-02"', 'month="2021-02" kind="110"'),
    "single quotes": lambda text: text.replace('month="2021-02"', "month='2021-02'"),
    "a character reference": lambda text: text.replace('month="2021-02"', 'month="2021-&#48;2"'),
    "a closing tag": lambda text: text.replace('received="2021-02-20"/>', 'received="2021-02-20"></contribution>'),
    "a row without a line": lambda text: text.replace("/>\n<contribution ", "/><contribution "),
    "the last row without a line": lambda text: (
        "\n<contribution ".join(text.rsplit("\n<contribution ", 1)[:1])
        + " <contribution "
        + text.rsplit("\n<contribution ", 1)[1]
    ),
    "a comment": lambda text: text.replace("\n<contribution ", "\n<!-- x --><contribution ", 1),
    "a CDATA section of blanks": lambda text: text.replace("<other>", "<other><![CDATA[ ]]>"),
    "a blank in the tag": lambda text: text.replace("<contributions>", "<contributions >"),
    "blanks between": lambda text: text.replace("><", ">\n  <").replace("\n<", "\n\t<"),
    "an extension attribute": lambda text: text.replace("<contribution ", '<contribution xmlns:n="urn:n" n:a="1" '),
    "an extension element": lambda text: text.replace(
        "</contributions>", '<extension><n xmlns="urn:n"/></extension></contributions>'
    ),
    "an attribute's namespace": lambda text: text.replace("<benefits>", '<benefits xmlns:n="urn:n" n:a="1">'),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_other_writing_of_the_same_message(name: str) -> None:
    """A document that writes the same message in another way of XML is the same message."""
    delivery = builders.a_delivery()
    text = xml.encode(delivery).decode()
    changed = OUTSIDE[name](text)
    assert changed != text
    assert xml.decode(changed.encode()) == delivery


def test_foreign_element_cannot_pose_as_contributions() -> None:
    """Plain rows in an extension element are not taken for the record's: prefixes make both readings agree."""
    text = xml.encode(builders.a_delivery(record=builders.a_record(subsidies=()))).decode()
    start, rest = text.split("<contributions>")
    rows, end = rest.split("</contributions>")
    start = start.replace('<record xmlns="urn:jiexu:record:1"', '<r:record xmlns:r="urn:jiexu:record:1"')
    for tag in ("registration", "person", "employers", "employer", "enrolments", "enrolment"):
        start = start.replace(f"<{tag}", f"<r:{tag}").replace(f"</{tag}>", f"</r:{tag}>")
    for tag in ("benefits", "benefit", "account", "monthTotal", "accountYear", "other", "entry", "record"):
        for opening in (f"<{tag}>", f"<{tag} ", f"</{tag}>"):
            end = end.replace(opening, opening.replace(tag, f"r:{tag}"))
    hidden = f"<contributions>{rows}</contributions>"
    posing = f"{start}<r:contributions/>{end}".replace("</r:record>", f"<r:extension>{hidden}</r:extension></r:record>")
    message = xml.decode(posing.encode())
    assert isinstance(message, Delivery)
    assert message.record.contributions == ()


def test_what_an_error_in_the_rest_names_is_in_the_document() -> None:
    """Where rows were lifted, the line that an error names is still a line of the whole document."""
    text = xml.encode(builders.a_delivery()).decode().replace("</benefits>", "</bénefits>")
    line = text[: text.index("</bénefits>")].count("\n") + 1
    assert refusal(text.encode()).detail == f"line {line}"


def test_same_message_same_bytes() -> None:
    """Encoding is stable: plain rows and rows that need escapes are written in the same form."""
    one, other = builders.an_entry(text="a"), builders.an_entry(text="b<c")
    both = xml.encode(builders.a_delivery(record=builders.a_record(other=(one, other)))).decode()
    alone = xml.encode(builders.a_delivery(record=builders.a_record(other=(one,)))).decode()
    row = '\n<entry topic="household-change" date="2021-04-01" text="a"/>'
    assert row in both
    assert row in alone


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_characters_that_xml_cannot_carry(character: str) -> None:
    """A character that XML has no writing for is refused with the path, and without the value."""
    record = builders.a_record(employers=(builders.an_employer(), builders.an_employer(name=f"厂{character}")))
    with pytest.raises(RefusedError) as refused:
        xml.encode(builders.a_delivery(record=record))
    assert refused.value.code == "R030"
    assert refused.value.detail == "/delivery/record/registration/employers/employer[2]/@name"


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\u2028", "\ue000", "\U0010ffff"])
def test_unusual_characters_are_carried(character: str) -> None:
    """Unusual and private-use characters are carried: whether a name may have them is a business rule."""
    delivery = builders.a_delivery(record=builders.a_record(person=builders.a_person(name=f"王{character}")))
    assert xml.decode(xml.encode(delivery)) == delivery


def test_empty_record() -> None:
    """All five groups stand in the document even where they have no rows."""
    delivery = builders.a_delivery(record=Record(person=builders.a_person()), approvals=())
    data = xml.encode(delivery)
    assert all(group in data for group in (b"<contributions></contributions>", b"<benefits></benefits>", b"<other>"))
    assert xml.decode(data) == delivery


@pytest.mark.parametrize("minor", ["1.0", "1.1", "1.42"])
def test_minor_versions_are_read(minor: str) -> None:
    """A reader takes every minor version, and passes over what it does not know in other namespaces."""
    delivery = builders.a_delivery()
    text = xml.encode(delivery).decode().replace('version="1.0" kinds', f'version="{minor}" kinds')
    later = 'xmlns:later="urn:jiexu:record:1:1"'
    text = text.replace("<person ", f'<person {later} later:height="180" ')
    text = text.replace(
        "</record>", f"<extension><later:group {later}><later:row a='1'/></later:group></extension></record>"
    )
    assert xml.decode(text.encode()) == delivery


def delivery_text() -> str:
    """A good document to spoil."""
    return xml.encode(builders.a_delivery()).decode()


def test_limits() -> None:
    """Size and number of rows are limits that a caller sets; a document at the limit passes."""
    data = xml.encode(builders.a_delivery())
    tags = data.count(b"<")
    xml.validate(data, xml.Limits(document_bytes=len(data), rows=tags))
    for limits in (xml.Limits(document_bytes=len(data) - 1), xml.Limits(rows=tags - 1)):
        with pytest.raises(RefusedError, match="M152"):
            xml.validate(data, limits)


def test_details_hold_no_values() -> None:
    """What a refusal says names places of the schema, never what stands in the document."""
    text = delivery_text()
    for old, new in (
        ('month="2021-02"', 'month="张三"'),
        ("<other>", "<other><张三/>"),
        ("<other>", '<other 张三="1">'),
    ):
        assert "张" not in refusal(text.replace(old, new).encode()).detail
    assert refusal(text.replace('month="2021-02"', 'month="张三"').encode()).detail == "contribution/@month"


def test_receipt_without_findings() -> None:
    """An accepting receipt has an empty list of findings."""
    receipt = builders.a_receipt(outcome="accepted", findings=())
    assert xml.decode(xml.encode(receipt)) == receipt
    assert isinstance(receipt, Receipt)


@settings(max_examples=40, deadline=None)
@given(st.text("\n —" + "".join(map(chr, range(33, 127))), min_size=1, max_size=4000))
def test_a_checkpoint_travels_exactly(note: str) -> None:
    """The note's text is over what was signed: every line feed and blank of it comes out as it went in."""
    receipt = builders.a_receipt(checkpoint=note)
    assert xml.decode(xml.encode(receipt)) == receipt
    assert b"<checkpoint" not in xml.encode(builders.a_receipt())


@pytest.mark.parametrize("note", ["x" * 4001, "\t", "周", "\u00a0"])
def test_what_is_no_note_is_refused(note: str) -> None:
    """A checkpoint is text of up to 4,000 characters of ASCII and dashes: M160."""
    assert refusal(xml.encode(builders.a_receipt(checkpoint=note))).code == "M160"


@pytest.mark.parametrize(
    "element", ["<checkpoint/>", '<checkpoint note=""/>', '<checkpoint note="a"/><checkpoint note="b"/>']
)
def test_one_checkpoint_with_its_note_or_none(element: str) -> None:
    """A checkpoint without its note, or two of them, are against the schema: M160."""
    text = xml.encode(builders.a_receipt()).decode().replace("</receipt>", f"{element}</receipt>")
    assert refusal(text.encode()).code == "M160"


def test_a_later_extension_stands_behind_the_checkpoint() -> None:
    """What a later minor version adds does not hide the checkpoint."""
    text = xml.encode(builders.a_receipt(checkpoint=builders.CHECKPOINT)).decode()
    later = text.replace("</receipt>", '<extension><n:a xmlns:n="urn:n"/></extension></receipt>')
    assert xml.decode(later.encode()) == builders.a_receipt(checkpoint=builders.CHECKPOINT)


def outcome(text: str) -> Message | None:
    """The message in a document, or None where it is refused."""
    try:
        return xml.decode(text.encode())
    except RefusedError:
        return None


def refusal(data: bytes) -> RefusedError:
    """The error with which validate refuses these bytes."""
    with pytest.raises(RefusedError) as refused:
        xml.validate(data)
    return refused.value


def the_long_way(data: bytes) -> bytes:
    """The same document with a comment, which keeps its rows from being lifted."""
    changed = data.replace(b"<approvals>", b"<!-- --><approvals>", 1)
    assert bulk.lift(changed) is None
    return changed


@given(
    field=st.sampled_from(Contribution._fields),
    text=st.sampled_from(["", "x", "1.005", "2021-13", '"', "<", "&", "\n", "马", "7000.00", "2021-06-01"]),
)
def test_what_was_just_written_is_judged_as_it_is_when_read(field: str, text: str) -> None:
    """A document just written is valid for the short judgement exactly when it is valid for the long one."""
    life = builders.a_record()
    first, *others = life.contributions
    record = replace(life, contributions=(first._replace(**{field: text}), *others))
    message = replace(builders.a_delivery(), record=record)
    document = xml.encode(message)
    verdicts = []
    for judge in (lambda: xml.validate(document), lambda: xml.validate_written(document, message)):
        try:
            judge()
        except RefusedError as error:
            verdicts.append((error.code, error.detail))
        else:
            verdicts.append(("", ""))
    assert verdicts[0] == verdicts[1]
