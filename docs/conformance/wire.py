"""The bytes of published trees: manifests, heads, signed notes, archives and Zstandard frames.

Everything is written out here, so that the bytes of a vector do not depend on the version of a
library, and so that a vector can violate a rule that a library would keep.
"""

import base64
import json
import tarfile
from collections.abc import Sequence
from hashlib import sha256, sha512

Fields = dict[str, object]


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def canonical(entries: dict[str, Fields]) -> bytes:
    """Returns the manifest of these entries, whose fields are in the canonical order."""
    rows = sorted(entries.items(), key=lambda row: row[0].encode())
    text = ",\n".join(f"{as_json(key)}:{as_json(fields)}" for key, fields in rows)
    return f"{{\n{text}\n}}\n".encode() if rows else b"{\n}\n"


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# Archives (POSIX ustar).


def member(path: str, content: bytes, kind: bytes = tarfile.REGTYPE, **fields: object) -> bytes:
    """Returns a file in an archive. Long names are GNU long names."""
    info = tarfile.TarInfo(path)
    info.type, info.size, info.mode = kind, len(content), 0o644
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict") + padded(content)


def pax_member(path: str, content: bytes) -> bytes:
    """Returns a file in an archive with its name in a pax header."""
    info = tarfile.TarInfo("short")
    info.size, info.mode, info.pax_headers = len(content), 0o644, {"path": path}
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict") + padded(content)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % tarfile.BLOCKSIZE)


END_OF_ARCHIVE = bytes(2 * tarfile.BLOCKSIZE)


# Zstandard frames (RFC 8878).

MAX_BLOCK = 128 * 1024
# The fewest bytes that are worth a reference to the prefix.
MIN_MATCH = 16
# Baselines and extra bits of the match length codes from 32 on.
MATCH_CODES = [(35, 1), (37, 1), (39, 1), (41, 1), (43, 2), (47, 2), (51, 3), (59, 3), (67, 4)]
MATCH_CODES += [(83, 4), (99, 5), (131, 7), (259, 8), (515, 9), (1027, 10), (2051, 11)]


def frame(data: bytes, prefix: bytes = b"", window_log: int = 17) -> bytes:
    """Returns a frame of `data`: literals, and copies of what stands in `prefix` too."""
    blocks: list[tuple[int, bytes, int]] = []
    literals, at = bytearray(), 0
    while at < len(data):
        length, start = longest_match(data, at, prefix)
        if length:
            blocks += raw_blocks(bytes(literals))
            literals.clear()
            blocks.append(copy_block(len(prefix) - start + at, length))
            at += length
        else:
            literals.append(data[at])
            at += 1
    blocks += raw_blocks(bytes(literals))
    return with_header(blocks or [(0, b"", 0)], window_log)


def bomb(data: bytes, zeros: int) -> bytes:
    """Returns a frame of `data` and very many zeros."""
    runs = [(1, b"\0", MAX_BLOCK)] * (zeros // MAX_BLOCK)
    return with_header(raw_blocks(data) + runs, 17)


def with_header(blocks: list[tuple[int, bytes, int]], window_log: int) -> bytes:
    out = bytearray(b"\x28\xb5\x2f\xfd\x00")
    out.append((window_log - 10) << 3)
    for number, (kind, content, size) in enumerate(blocks, start=1):
        is_last = number == len(blocks)
        out += (size << 3 | kind << 1 | is_last).to_bytes(3, "little") + content
    return bytes(out)


def raw_blocks(data: bytes) -> list[tuple[int, bytes, int]]:
    parts = [data[at : at + MAX_BLOCK] for at in range(0, len(data), MAX_BLOCK)]
    return [(0, part, len(part)) for part in parts]


def longest_match(data: bytes, at: int, prefix: bytes) -> tuple[int, int]:
    """Returns the length and the start of the longest match, with a length of 0 for none."""
    best = (0, 0)
    start = prefix.find(data[at : at + MIN_MATCH]) if at + MIN_MATCH <= len(data) else -1
    while start >= 0:
        length = MIN_MATCH
        end = min(len(data) - at, len(prefix) - start, 4096)
        while length < end and data[at + length] == prefix[start + length]:
            length += 1
        best = max(best, (length, start))
        start = prefix.find(data[at : at + MIN_MATCH], start + 1)
    return best


def copy_block(offset: int, length: int) -> tuple[int, bytes, int]:
    """Returns a compressed block without literals and with one sequence, whose codes are RLE."""
    if length < 35:
        match_code, match_bits, match_extra = length - 3, 0, 0
    else:
        match_code, (base, match_bits) = max(
            (number, code) for number, code in enumerate(MATCH_CODES, start=32) if code[0] <= length
        )
        match_extra = length - base
    # The values 1 to 3 repeat earlier offsets.
    offset_code = (offset + 3).bit_length() - 1
    offset_extra = offset + 3 - (1 << offset_code)
    # Read from its end: the mark, the bits of the offset, then those of the length.
    bits = (1 << offset_code | offset_extra) << match_bits | match_extra
    stream = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    content = bytes([0, 1, 0b01010100, 0, offset_code, match_code]) + stream
    return 2, content, len(content)


# Packs.


def bundle(manifest: bytes, files: Sequence[tuple[str, bytes]]) -> bytes:
    members = [member("root.json", manifest), *(member(path, data) for path, data in files)]
    return frame(b"".join(members) + END_OF_ARCHIVE)


def delta(patch: bytes, prefix: bytes, files: Sequence[tuple[str, bytes]]) -> tuple[bytes, int]:
    """Returns a delta, and the size of its first frame."""
    first = frame(member("root.json.patch", patch))
    second = b"".join(member(path, data) for path, data in files) + END_OF_ARCHIVE
    return first + frame(second, prefix), len(first)


# Signed notes: Ed25519 (RFC 8032), and lines of c2sp.org/signed-note.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]
IDENTITY: Point = (0, 1, 1, 0)
BASE_Y = 4 * pow(5, -1, P) % P


def add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def base_point() -> Point:
    square = (BASE_Y * BASE_Y - 1) * pow(D * BASE_Y * BASE_Y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 else x
    return x, BASE_Y, 1, x * BASE_Y % P


BASE = base_point()


def encoded(point: Point) -> bytes:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def hashed(*parts: bytes) -> int:
    return int.from_bytes(sha512(b"".join(parts)).digest(), "little")


class Key:
    """A signing key with a name, made from a seed that is no secret."""

    def __init__(self, name: str, seed: str) -> None:
        secret = sha512(sha256(seed.encode()).digest()).digest()
        scalar = int.from_bytes(secret[:32], "little")
        self.scalar = scalar & (2**254 - 8) | 2**254
        self.nonce = secret[32:]
        self.name = name
        self.public = encoded(times(self.scalar, BASE))

    def signature(self, text: bytes) -> bytes:
        nonce = hashed(self.nonce, text) % ORDER
        return self.signature_with(nonce, encoded(times(nonce, BASE)), text)

    def signature_with(self, nonce: int, r: bytes, text: bytes) -> bytes:
        challenge = hashed(r, self.public, text)
        return r + ((nonce + challenge * self.scalar) % ORDER).to_bytes(32, "little")

    def line(self, text: bytes) -> bytes:
        return self.line_of(self.signature(text))

    def line_of(self, signature: bytes) -> bytes:
        return signature_line(self.name, key_hash(self.name, self.public), signature)

    def trusted(self) -> str:
        return trusted_key(self.name, self.public)


def key_hash(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def trusted_key(name: str, public: bytes) -> str:
    text = base64.b64encode(b"\x01" + public).decode()
    return f"{name}+{key_hash(name, public).hex()}+{text}"


def signature_line(name: str, hash_bytes: bytes, signature: bytes) -> bytes:
    text = base64.b64encode(hash_bytes + signature).decode()
    return f"\u2014 {name} {text}\n".encode()


def note(text: bytes, *lines: bytes) -> bytes:
    return text + b"\n" + b"".join(lines)
