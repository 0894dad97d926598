"""The kit as files, and the comparison of what another program found with what it should have.

`documents` is the same at every run on the same day with the same tables; packages differ in their session keys.
"""

import csv
import io
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from pathlib import Path

from flows.conformance import flaws, letters, packages, signed
from flows.conformance.stories import Act, Story, stories
from flows.prechecking import Receiver, findings
from flows.private import write_private
from formats import xml
from formats.errors import UsageError
from formats.messages import Finding, Header, Message
from formats.reasons import reason
from transfer.naming import PackageName

# Of a single message C and L depend on the case and the records of who receives: they do not count in a comparison.
_COMPARED = "TMR"
_NAMESPACE = uuid.UUID("5b0f4c1e-2f0a-5d55-9a3e-6f1d3c1b7a10")


@dataclass(frozen=True, slots=True)
class Vector:
    """One message of the kit: its folder, its document, the name of its package, and what must be found.

    `package` is what the package is made with instead of `packages.good`.
    """

    folder: str
    document: bytes
    name: PackageName
    expected: tuple[Finding, ...] = ()
    package: packages.Making | None = None

    def sealed(self, keys: packages.Keys) -> bytes:
        """The package's bytes."""
        return self.package(self.document, keys) if self.package else packages.good(self.document, self.name, keys)


@dataclass(frozen=True, slots=True)
class Difference:
    """A vector with which another program disagrees: the codes that it should have found, and those that it found."""

    vector: str
    expected: tuple[str, ...]
    found: tuple[str, ...]


def vectors(on: date) -> tuple[Vector, ...]:
    """All vectors, good ones first; `on` is the day on which the receiver is to check them."""
    made: list[Vector] = []
    for name, message in letters.good().items():
        made.append(_vector(f"valid/{name}", _numbered(message, name, len(made) + 1)))
    for flaw in flaws.FLAWS:
        folder = f"{flaw.code}-{flaw.name}"
        vector = _vector(f"invalid/{folder}", _numbered(flaw.message(), folder, len(made) + 1))
        document = flaw.alter(vector.document)
        made.append(replace(vector, document=document, expected=findings(document, on, Receiver(letters.NEW, "test"))))
    for code, (what, making) in packages.PACKAGES.items():
        vector = _plain(f"{code}-{what}", len(made) + 1)
        made.append(replace(vector, expected=(Finding(code),), package=making))
    for code, (what, naming) in packages.NAMES.items():
        vector = _plain(f"{code}-{what}", len(made) + 1)
        # Sealed as its document says, and only called otherwise.
        made.append(replace(vector, name=naming(vector.name), expected=(Finding(code),), package=packages.sealed))
    return tuple(made)


def _plain(folder: str, number: int) -> Vector:
    """A good delivery."""
    return _vector(f"invalid/{folder}", _numbered(letters.a_delivery(), folder, number))


def _vector(folder: str, message: Message) -> Vector:
    header = message.header
    # Whom a document names wrongly its package still goes to: the office whose mailbox it lies in.
    receiver = letters.OLD if header.sender == letters.NEW else letters.NEW
    name = PackageName(header.sender, receiver, header.sequence, header.message_id)
    return Vector(folder, xml.encode(message), name)


def _numbered(message: Message, name: str, number: int) -> Message:
    """With a message id, a sequence number and a case of its own."""
    header: Header = replace(
        message.header,
        message_id=str(uuid.uuid5(_NAMESPACE, name)),
        sequence=number,
        case=f"{letters.OLD}-2026-{number:06d}",
    )
    return replace(message, header=header)


def documents(made: Iterable[Vector], told: Iterable[Story] = ()) -> Mapping[str, bytes]:
    """The files of the kit that are the same in every kit, by path: documents, what is expected, the README."""
    files = {"README.md": resources.files("flows.conformance").joinpath("kit.md").read_bytes()}
    for vector in made:
        files[f"{vector.folder}/document.xml"] = vector.document
        files[f"{vector.folder}/expected.json"] = _expected(vector)
    for story in told:
        for step, message in story.messages.items():
            files[f"{story.folder}/{step}.xml"] = xml.encode(message)
        files[f"{story.folder}/expected.json"] = _answers(story)
    return files


def _answers(story: Story) -> bytes:
    steps = [
        {**_step(number, step), "outcome": answer.outcome, "codes": answer.codes}
        for number, (step, answer) in enumerate(zip(story.steps, story.answers, strict=True), 1)
    ]
    return json.dumps({"vector": story.folder, "steps": steps}, ensure_ascii=False, indent=2).encode() + b"\n"


def _step(number: int, step: Message | Act) -> Mapping[str, str]:
    if isinstance(step, Act):
        return {"act": f"somebody at the receiving office {step.words}"}
    return {"document": f"{number}.xml", "package": str(packages.name_of(step))}


def _expected(vector: Vector) -> bytes:
    told = [
        {
            "code": one.code,
            "path": one.path,
            "severity": reason(one.code).severity,
            "who": reason(one.code).actor,
            "retry": reason(one.code).retry,
        }
        for one in vector.expected
    ]
    document = {"vector": vector.folder, "package": str(vector.name), "findings": told}
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def write(folder: Path, on: date) -> int:
    """Write a kit with keys of its own into a folder that is new or empty; how many vectors. UsageError S414, S417."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("S414", str(folder))
    made, told, keys = vectors(on), stories(), packages.new_keys()
    files = dict(documents(made, told))
    files |= {f"{vector.folder}/{vector.name}": vector.sealed(keys) for vector in made}
    for story in told:  # the same message twice is one package
        for one in story.messages.values():
            files[f"{story.folder}/{packages.name_of(one)}"] = packages.good(
                xml.encode(one), packages.name_of(one), keys
            )
    files |= signed.files(keys)
    for name, key in keys.unlocked.items():
        files[f"keys/{name}.asc"] = key.public.armored.encode()
        if name in (letters.OLD, letters.NEW):
            files[f"keys/{name}.secret.asc"] = keys.armored[name].encode()
    for path, content in files.items():
        try:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError("S417", f"{folder}: {error.strerror}") from None
        write_private(folder / path, content, replace=False)
    return len(made) + len(told) + len(signed.NAMES)


def differences(results: str, on: date) -> tuple[Difference, ...]:
    """Where a table `vector,code` (a line a finding, code empty where there is none) differs from what is expected.

    A vector that is missing in the table differs. Raises UsageError S421 for a table without these columns.
    """
    rows = csv.DictReader(io.StringIO(results))
    if not {"vector", "code"} <= set(rows.fieldnames or ()):
        raise UsageError("S421", "the table has no columns vector and code")
    found: dict[str, set[str]] = {}
    for row in rows:
        codes = found.setdefault(row["vector"] or "", set())
        codes |= set((row["code"] or "").split())
    wanted = {vector.folder: {one.code for one in vector.expected} for vector in vectors(on)}
    found |= {name: {code for code in found[name] if code[0] in _COMPARED} for name in wanted if name in found}
    wanted |= {story.folder: set(story.answers[-1].codes) for story in stories()}
    wanted |= {f"signed/{name}": {code} - {""} for code, name in signed.NAMES.items()}
    return tuple(
        Difference(name, tuple(sorted(codes)), tuple(sorted(found[name])) if name in found else ("not run",))
        for name, codes in wanted.items()
        if found.get(name) != codes
    )
