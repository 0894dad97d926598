"""The XML schema of one table's rows, `tableN.xsd`, as the standard asks for beside `tableN.xml`. Pure."""

from collections.abc import Sequence
from typing import Final

from migration.catalog import Column, Kind
from migration.siard import sql_types
from migration.siard.form import TABLE_SPACE, VERSION

_TYPES: Final = {
    Kind.INTEGER: "xs:integer",
    Kind.DECIMAL: "xs:decimal",
    Kind.NUMBER: "xs:decimal",
    Kind.FLOAT: "xs:double",
    Kind.TEXT: "xs:string",
    Kind.OTHER: "clobType",
    Kind.BYTES: "xs:hexBinary",
    Kind.BOOLEAN: "xs:boolean",
    Kind.DATE: "dateType",
    Kind.TIME: "timeType",
    Kind.TIMESTAMP: "dateTimeType",
    Kind.TIMESTAMPTZ: "dateTimeType",
}
_DOCUMENT: Final = """<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{space}" targetNamespace="{space}" \
elementFormDefault="qualified" version="{version}">
  <xs:element name="table">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="row" type="recordType" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:attribute name="version" type="versionType" use="required"/>
    </xs:complexType>
  </xs:element>
  <!-- A column that is NULL is missing. -->
  <xs:complexType name="recordType">
    <xs:sequence>
{columns}
    </xs:sequence>
  </xs:complexType>
{large}
  <xs:simpleType name="digestTypeType">
    <xs:restriction base="xs:token">
      <xs:enumeration value="MD5"/>
      <xs:enumeration value="SHA-1"/>
      <xs:enumeration value="SHA-256"/>
    </xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="dateType">
    <xs:restriction base="xs:date">
      <xs:pattern value="\\d{{4}}-\\d{{2}}-\\d{{2}}Z?"/>
    </xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="timeType">
    <xs:restriction base="xs:time">
      <xs:pattern value="\\d{{2}}:\\d{{2}}:\\d{{2}}(\\.\\d+)?Z?"/>
    </xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="dateTimeType">
    <xs:restriction base="xs:dateTime">
      <xs:pattern value="\\d{{4}}-\\d{{2}}-\\d{{2}}T\\d{{2}}:\\d{{2}}:\\d{{2}}(\\.\\d+)?Z?"/>
    </xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="versionType">
    <xs:restriction base="xs:token">
      <xs:enumeration value="{version}"/>
    </xs:restriction>
  </xs:simpleType>
</xs:schema>
"""
_COLUMN: Final = '      <xs:element name="c{number}" type="{type}" minOccurs="{least}"/>'
_LARGE: Final = """  <!-- {note} -->
  <xs:complexType name="{name}">
    <xs:simpleContent>
      <xs:extension base="{base}">
        <xs:attribute name="file" type="xs:anyURI"/>
        <xs:attribute name="length" type="xs:integer"/>
        <xs:attribute name="digestType" type="digestTypeType"/>
        <xs:attribute name="digest" type="xs:string"/>
      </xs:extension>
    </xs:simpleContent>
  </xs:complexType>"""


def document(columns: Sequence[Column]) -> bytes:
    """The schema for rows of these columns, in order."""
    rows = "\n".join(
        _COLUMN.format(number=number, type=_type(column), least=0 if column.nullable else 1)
        for number, column in enumerate(columns, start=1)
    )
    large = "\n".join(
        _LARGE.format(name=name, base=base, note=note)
        for name, base, note in (
            ("clobType", "xs:string", "A text here, or in the file that is named; its length is in characters."),
            ("blobType", "xs:hexBinary", "Octets here, or in the file that is named; its length is in octets."),
        )
    )
    return _DOCUMENT.format(space=TABLE_SPACE, version=VERSION, columns=rows, large=large).encode()


def _type(column: Column) -> str:
    if sql_types.is_large(column):
        return "blobType" if column.kind is Kind.BYTES else "clobType"
    return _TYPES[column.kind]
