"""Packages made to harm the receiver: each is refused with its code, at once, and in little memory.

The files are real ones that nobody here wrote (`parts.shared_data`); what they are is in their names.
"""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from formats.errors import RefusedError
from tests import parts
from tests.transfer import keyring
from tests.transfer.keyring import NOW, RECEIVER, SENDER, office
from transfer import framing
from transfer.envelope import EnvelopeLimits, unseal
from transfer.partners import FOREVER, Directory, Partner, PartnerKey

# None: a good package. 12f is signed for somebody else and encrypted again to us; its signature names nobody, as those
# of gpg 2.2. Where intended recipients are not required, the addressee in the signed document (M170) shows it.
CODES = {
    "00_good.pgp": None,
    "00b_good_zlib.pgp": None,
    "01b_bz2bomb_1GB.pgp": "T140",
    "01c_nested_compress_400.pgp": "T120",
    "02a_sed_no_mdc_signed.pgp": "T110",
    "03a_bad_mdc_last_byte.pgp": "T113",
    "04a_truncated_half.pgp": "T110",
    "05_unknown_signer.pgp": "T130",
    "06a_expired_key.pgp": "T131",
    "06c_expired_key_rsa1024.pgp": "T131",
    "07a_revoked_key.pgp": "T131",
    "08a_sha1_sig.pgp": "T121",
    "09_other_recipient.pgp": "T111",
    "10a_unsigned.pgp": "T120",
    "10b_not_encrypted_signed.pgp": "T110",
    "11a_two_literals_after.pgp": "T120",
    "12a_sig_over_other_content.pgp": "T122",
    "12d_detached_sig_as_message.pgp": "T110",
    "12f_surreptitious_forward.pgp": "T124",
    "13a_trailing_random.pgp": "T110",
    "13c_trailing_second_message.pgp": "T110",
    "14_zero_bytes.pgp": "T102",
    "16a_partial_1byte_chunks_3MB.pgp": "T110",
    "17a_expired_signature.pgp": "T123",
    "17d_password_encrypted.pgp": "T110",
    "17e_armor_ok.asc": None,
}
SIGNERS = ("sender", "rsender", "expired", "expiredp256", "expiredrsa", "expsub", "revoked", "weakrsa")
UNBOUND = "12f_surreptitious_forward.pgp"
BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


def directory() -> Directory:
    """Every signer of the files is pinned, but the stranger; the sender before his key was made, to date back."""
    keys = {name: keyring.foreign_public(name) for name in SIGNERS}
    return Directory(
        {
            name: Partner(name, name, "", "", BEFORE, (PartnerKey(key, key.created, key.expires or FOREVER),))
            for name, key in keys.items()
        }
    )


def test_every_file_has_its_code() -> None:
    """Every hostile file is refused with the code of what is wrong with it, every good one accepted, at once."""
    folder = parts.shared_data("openpgp")
    expected = json.loads((folder / "cases.json").read_text("utf-8"))
    assert {name: "reject" if code else "accept" for name, code in CODES.items()} == {
        name: case["expect"] for name, case in expected.items()
    }
    sender = keyring.foreign_public("sender")
    pins = {**directory().pins(), **{name: keyring.pin(sender, not_before=BEFORE) for name in keyring.pins(sender)}}
    keys, at = [keyring.foreign_secret("recip")], datetime(2026, 11, 22, 14, tzinfo=UTC)
    found: dict[str, str | None] = {}
    for name in CODES:
        started = time.process_time()
        try:
            unseal((folder / name).read_bytes(), keys, pins, at, require_intended=name == UNBOUND)
            found[name] = None
        except RefusedError as error:
            found[name] = error.code
        assert time.process_time() - started < 2
    assert found == CODES


def test_a_forwarded_package_names_nobody() -> None:
    """12f carries no intended recipient: without the requirement only the document's addressee can tell."""
    blob = (parts.shared_data("openpgp") / UNBOUND).read_bytes()
    pins = directory().pins()
    assert (
        unseal(blob, [keyring.foreign_secret("recip")], pins, datetime(2026, 11, 22, 14, tzinfo=UTC)).office == "sender"
    )


def test_a_weak_key_s_signature_is_refused() -> None:
    """RSA of 1024 bits does not count even where it is pinned."""
    weak, signer = keyring.foreign_public("weakrsa"), office(SENDER)
    created = weak.created.timestamp()
    hashed = b"\x05\x02" + int(created).to_bytes(4, "big") + b"\x16\x21\x04" + bytes.fromhex(weak.fingerprint)
    head = bytes([4, 0, 1, 8]) + len(hashed).to_bytes(2, "big") + hashed
    body = head + b"\x00\x00" + b"ab" + framing.encode_number(b"\x01" * 128)
    announced = bytes([3, 0, 8, 1]) + bytes.fromhex(weak.fingerprint)[-8:] + b"\x01"
    plain = framing.encode(4, announced) + keyring.literal(b"x") + framing.encode(2, body)
    with pytest.raises(RefusedError) as error:
        unseal(
            keyring.encrypted(plain, office(RECEIVER).public),
            [office(RECEIVER)],
            keyring.pins(weak, signer.public),
            datetime(2026, 11, 22, 14, tzinfo=UTC),
        )
    assert error.value.code == "T132"


WORST = """
import resource, sys, time, zlib
from formats.errors import RefusedError
from tests.transfer import keyring
from transfer import framing
from transfer.envelope import seal, unseal
from transfer.framing import FramingError

MEGABYTE = 2**20
sender, receiver = keyring.office(keyring.SENDER), keyring.office(keyring.RECEIVER)
pins = keyring.pins(sender.public)

def bomb():
    # 14 GB of zeros in 14 MB, packed a second time in the ZIP way: what is unpacked is at most the limit.
    stream = zlib.compressobj(9)
    block = bytes(MEGABYTE)
    packed = b"".join(stream.compress(block) for _ in range(200))
    packed += stream.flush(zlib.Z_FULL_FLUSH)
    body = b"\\x02" + packed * 70
    return keyring.encrypted(framing.encode(framing.COMPRESSED, body), receiver.public)

def parts():
    head = bytes([0xC0 | framing.ENCRYPTED])
    return keyring.session_packet(receiver.public, bytes(32)) + head + b"\\xe0\\x01" * (32 * MEGABYTE - 100)

def endless():
    return b"-----BEGIN PGP MESSAGE-----\\n\\n" + (b"A" * 64 + b"\\n") * (MEGABYTE - 20_000)

def largest():
    return seal(bytes(64 * MEGABYTE), sender, receiver.public, keyring.NOW).package

made = {"bomb": bomb(), "parts": parts(), "endless": endless(), "largest": largest()}
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400 * MEGABYTE, used + 400 * MEGABYTE))
for name, blob in made.items():
    started = time.process_time()
    try:
        outcome = len(unseal(blob, [receiver], pins, keyring.NOW).data)
    except RefusedError as error:
        outcome = error.code + " " + error.detail
    print(name, round(time.process_time() - started, 2), outcome, sep="|")
"""


def test_the_worst_need_little_time_and_memory() -> None:
    """A bomb, 32 million tiny parts, 64 MB of armor without end, and the largest good document: 400 MB are enough.

    Run in a process of its own under a limit of memory, above what it needs to make these packages.
    """
    done = subprocess.run(
        [sys.executable, "-c", WORST], capture_output=True, text=True, check=False, timeout=120, cwd=parts.ROOT
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines()]
    outcomes = {name: outcome for name, _, outcome in lines}
    assert outcomes == {
        "bomb": f"T140 more than {64 * 2**20 + 2**18 + 2**14} bytes when decompressed",
        "parts": "T110 partial lengths below 512 octets",
        "endless": "T110 armor without its end",
        "largest": str(64 * 2**20),
    }
    assert all(float(seconds) < 2 for _, seconds, _ in lines), lines


def test_many_session_keys_are_refused_at_once() -> None:
    """20,000 session keys for others do not cost 20,000 attempts."""
    session = keyring.session_packet(office("51010001").public, bytes(32))
    blob = session * 20_000 + keyring.encrypted_packet(b"", bytes(32))
    started = time.process_time()
    with pytest.raises(RefusedError) as error:
        unseal(blob, [office(RECEIVER)], {}, NOW, EnvelopeLimits())
    assert error.value.code == "T110"
    assert time.process_time() - started < 0.5
