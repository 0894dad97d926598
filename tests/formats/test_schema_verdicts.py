"""The verdict on a document: two validators, the short way and the long way agree, on good and on spoiled documents."""

import re
from collections.abc import Callable

import pytest
from lxml import etree
from xmlschema import XMLSchema10, XMLSchemaException

from formats import bulk, xml, xsd
from formats.errors import RefusedError
from tests import builders


def swap(old: str, new: str) -> Callable[[str], str]:
    """A mutation that replaces one text, once."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
FOREIGN = 'xmlns:n="urn:n"'

# name -> (change of a delivery, whether it stays valid)
MUTATIONS: dict[str, tuple[Callable[[str], str], bool]] = {
    "nothing": (lambda text: text, True),
    "comment": (swap("<approvals>", "<!-- x --><approvals>"), True),
    "comment in the rows": (swap("\n<contribution ", "\n<!-- x -->\n<contribution "), True),
    "blank lines": (lambda text: text.replace("\n", "\n\n  "), True),
    "no line breaks": (lambda text: text.partition("?>")[0] + "?>" + text.partition("?>")[2].replace("\n", ""), True),
    "no declaration": (lambda text: text.partition("?>")[2].lstrip(), True),
    "standalone": (swap('"UTF-8"?>', '"UTF-8" standalone="yes"?>'), True),
    "later minor": (swap('version="1.0" kinds', 'version="1.7" kinds'), True),
    "later minor of the record": (swap('record:1" version="1.0"', 'record:1" version="1.7"'), True),
    "foreign attribute of a row": (swap("<contribution ", f'<contribution {FOREIGN} n:a="1" '), True),
    "foreign attribute of the root": (swap("<delivery ", f'<delivery {FOREIGN} n:a="1" '), True),
    "extension of a group": (swap("</benefits>", f"<extension><n:a {FOREIGN}/></extension></benefits>"), True),
    "extension of the record": (
        swap("</record>", f"<extension {FOREIGN} n:x='1'><n:a><b/></n:a></extension></record>"),
        True,
    ),
    "schema location": (swap("<delivery ", f'<delivery {XSI} xsi:schemaLocation="urn:jiexu:message:1 x.xsd" '), True),
    "no approvals": (lambda text: re.sub("<approvals>.*</approvals>", "<approvals/>", text, flags=re.DOTALL), True),
    "no benefits": (lambda text: re.sub("<benefits>.*</benefits>", "<benefits/>", text, flags=re.DOTALL), True),
    "no contributions": (lambda text: re.sub("\n<contribution .*?/>", "", text), True),
    "attributes in another order": (swap('kind="110" month="2021-01"', 'month="2021-01" kind="110"'), True),
    "closing tag of a row": (swap('received="2021-01-20"/>', 'received="2021-01-20"></contribution>'), True),
    "character reference": (swap('month="2021-01"', 'month="2021-0&#x31;"'), True),
    "contribution without employer": (
        swap(
            ' contributionType="10" division="330106" employerId="3301060001"',
            ' contributionType="10" division="330106"',
        ),
        True,
    ),
    "missing root attribute": (swap(' kinds="110 210 310"', ""), False),
    "missing header attribute": (swap(' sequence="1"', ""), False),
    "missing row attribute": (swap(' settled="2021-01"', ""), False),
    "missing last row attribute of the person": (swap(' nationality="CHN"', ""), False),
    "empty required attribute": (swap('settled="2021-01"', 'settled=""'), False),
    "empty optional attribute": (swap('received="2021-01-20"', 'received=""'), False),
    "unknown attribute of a row": (swap("<contribution ", '<contribution bonus="1" '), False),
    "unknown attribute of the record": (swap("<record ", '<record sealed="1" '), False),
    "attribute in the record's namespace": (
        swap("<contribution ", '<contribution xmlns:r="urn:jiexu:record:1" r:kind="110" '),
        False,
    ),
    "attribute with another case": (swap(" wage=", " Wage="), False),
    "bad month": (swap('month="2021-01"', 'month="2021-13"'), False),
    "month as date": (swap('month="2021-01"', 'month="2021-01-01"'), False),
    "month with a blank": (swap('month="2021-01"', 'month="2021-01 "'), False),
    "month with a line break": (swap('month="2021-01"', 'month="2021-01&#10;"'), False),
    "bad date": (swap('received="2021-02-20"', 'received="2021-02-30"'), False),
    "29 February of a common year": (swap('received="2021-02-20"', 'received="2021-02-29"'), False),
    "money without decimals": (swap('base="7000.00"', 'base="7000"'), False),
    "money with three decimals": (swap('base="7000.00"', 'base="7000.001"'), False),
    "money with a comma": (swap('base="7000.00"', 'base="7,000.00"'), False),
    "money as a word": (swap('base="7000.00"', 'base="NaN"'), False),
    "rate in per cent": (swap('personRate="0.0800"', 'personRate="8.00"'), False),
    "kind of four digits": (swap('kind="110" month', 'kind="1100" month'), False),
    "kinds with two blanks": (swap('kinds="110 210', 'kinds="110  210'), False),
    "kinds empty": (swap('kinds="110 210 310"', 'kinds=""'), False),
    "full-width digit": (swap('month="2021-01"', 'month="２021-01"'), False),
    "text in a row": (swap('received="2021-01-20"/>', 'received="2021-01-20">x</contribution>'), False),
    "element in a row": (swap('received="2021-01-20"/>', 'received="2021-01-20"><x/></contribution>'), False),
    "text between rows": (swap("\n<contribution ", "\nx<contribution "), False),
    "text in a group": (swap("<benefits>", "<benefits>x"), False),
    "CDATA text in a group": (swap("<benefits>", "<benefits><![CDATA[x]]>"), False),
    "missing group": (lambda text: re.sub("<benefits>.*</benefits>", "", text, flags=re.DOTALL), False),
    "missing person": (lambda text: re.sub("<person .*?/>", "", text), False),
    "missing header": (lambda text: re.sub("<header .*?/>", "", text), False),
    "missing record": (lambda text: re.sub("<record .*</record>", "", text, flags=re.DOTALL), False),
    "two records": (lambda text: re.sub("(<record .*</record>)", r"\1\1", text, flags=re.DOTALL), False),
    "two persons": (lambda text: re.sub("(<person .*?/>)", r"\1\1", text), False),
    "two groups of contributions": (swap("</contributions>", "</contributions><contributions/>"), False),
    "groups in the wrong order": (
        lambda text: re.sub("(<benefits>.*</benefits>)(.*)(<other>)", r"\2\1\3", text, flags=re.DOTALL),
        False,
    ),
    "subsidy before contributions": (
        lambda text: re.sub("(\n<contribution .*/>)(\n<subsidy .*?/>)", r"\2\1", text, flags=re.DOTALL),
        False,
    ),
    "contribution among benefits": (
        lambda text: re.sub("(\n<contribution [^>]*/>)(.*<benefits>)", r"\2\1", text, count=1, flags=re.DOTALL),
        False,
    ),
    "extension of the delivery": (swap("</delivery>", "<extension><a xmlns='urn:n'/></extension></delivery>"), True),
    "empty extension": (swap("</other>", "<extension/></other>"), True),
    "extension before a row": (swap("<benefits>", "<benefits><extension/>"), False),
    "two extensions": (swap("</benefits>", "<extension/><extension/></benefits>"), False),
    "own element in an extension": (swap("</benefits>", "<extension><benefit/></extension></benefits>"), False),
    "text in an extension": (swap("</benefits>", "<extension>x</extension></benefits>"), True),
    "foreign element outside an extension": (swap("</benefits>", f"<n:a {FOREIGN}/></benefits>"), False),
    "unknown row": (swap("</other>", "<gossip/></other>"), False),
    "unknown group": (swap("</record>", "<gossip/></record>"), False),
    "foreign element before a row": (swap("<benefits>", f"<benefits><n:a {FOREIGN}/>"), False),
    "element without namespace": (swap("</record>", '<a xmlns=""/></record>'), False),
    "record in the message's namespace": (swap(' xmlns="urn:jiexu:record:1"', ""), False),
    "row in another namespace": (swap("<contribution ", '<contribution xmlns="urn:n" '), False),
    "extension before the record": (swap("<record ", f"<n:a {FOREIGN}/><record "), False),
    "unknown xsi:type": (swap("<person ", f'<person {XSI} xsi:type="Foo" '), False),
    "xsi:nil": (swap("<person ", f'<person {XSI} xsi:nil="true" '), False),
    "unknown environment": (swap('environment="test"', 'environment="staging"'), False),
    "unknown stage": (swap('stage="handler"', 'stage="boss"'), False),
    "upper-case message id": (swap('messageId="6f1c2f0e', 'messageId="6F1C2F0E'), False),
    "sequence zero": (swap('sequence="1"', 'sequence="0"'), False),
    "sequence of 19 digits": (swap('sequence="1"', f'sequence="{"1" * 19}"'), False),
    "time with an offset": (swap('sent="2026-11-22T08:00:00Z"', 'sent="2026-11-22T08:00:00+08:00"'), False),
    "time at 24 hours": (swap('sent="2026-11-22T08:00:00Z"', 'sent="2026-11-22T24:00:00Z"'), False),
    "name too long": (swap('name="周明远"', f'name="{"周" * 129}"'), False),
    "sender of seven digits": (swap('sender="33010001"', 'sender="3301000"'), False),
    "version without minor": (swap('version="1.0" kinds', 'version="1" kinds'), False),
    "next major": (swap('version="1.0" kinds', 'version="2.0" kinds'), False),
    "next namespace": (swap("urn:jiexu:message:1", "urn:jiexu:message:2"), False),
}


@pytest.fixture(scope="module")
def pure_schema() -> XMLSchema10:
    """The schema as xmlschema reads it."""
    with xsd.folder() as folder:
        return XMLSchema10(str(folder / "message-1.xsd"), allow="local")


@pytest.mark.parametrize("name", MUTATIONS)
def test_validators_agree(name: str, pure_schema: XMLSchema10) -> None:
    """libxml2 on a tree, xmlschema, decode by the short way and decode by the long way give the same verdict."""
    change, valid = MUTATIONS[name]
    original = xml.encode(builders.a_delivery()).decode()
    text = change(original)
    assert text != original or name == "nothing"
    assert xsd.schema().validate(etree.fromstring(text.encode())) is valid
    assert accepts(pure_schema, text) is valid
    assert decodes(text) is valid
    assert decodes(text.replace("<approvals", "<!-- -->\n<approvals", 1)) is valid


def test_mutations_reach_the_short_way() -> None:
    """Bad rows in the plain form are not lifted; what is bad elsewhere is judged with the rows lifted."""
    text = xml.encode(builders.a_delivery()).decode()
    lifted = {name for name, (change, _) in MUTATIONS.items() if bulk.lift(change(text).encode()) is not None}
    assert {"nothing", "missing person", "text in a group"} <= lifted
    assert not {"bad month", "bad date", "empty optional attribute", "full-width digit", "text between rows"} & lifted


def accepts(pure: XMLSchema10, text: str) -> bool:
    """The verdict of xmlschema; it raises where a type named in the document does not exist."""
    try:
        return bool(pure.is_valid(text.partition("?>")[2] if text.startswith("<?") else text))
    except XMLSchemaException:
        return False


def decodes(text: str) -> bool:
    """The verdict of `decode`; what it refuses, it refuses at the schema's step."""
    try:
        xml.decode(text.encode())
    except RefusedError as refused:
        return refused.reason.step != "schema"
    return True
