"""What a picture file declares it will unpack to, read before anything is decoded."""

import re
import struct
from collections.abc import Iterator

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # by its type of colour
BLANK = rb"(?:\s|#[^\n\r]*[\n\r])++"  # comments too; a way back for each of them took gigabytes
PNM = re.compile(rb"P([1-6])" + (BLANK + rb"(\d{1,9})") * 2 + rb"(?:" + BLANK + rb"(\d{1,9}))?")
# Of a TIFF (revision 6.0, section 8): width, height, bits of a sample, samples of a pixel.
WIDTH, HEIGHT, BITS, SAMPLES = TAGS = (256, 257, 258, 277)
TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
MOST_ENTRIES = 4096
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in the numbers of a JPEG's scan FF is followed by 00
JPEG_SCAN, JPEG_END = 0xDA, 0xD9


def declared_bytes(content: bytes) -> int:
    """Return how many bytes the picture in a PNG, PNM or TIFF unpacks to, in its own depth; 0 where nothing tells."""
    if content.startswith(PNG_SIGNATURE):
        width, height, bits, colour = (
            int(number) for number in struct.unpack(">IIBB", content[16:26].ljust(10, b"\0"))
        )
        return width * height * PNG_CHANNELS.get(colour, 4) * -(-bits // 8)
    if found := PNM.match(content):
        kind, width, height, largest = (int(number or 0) for number in found.groups())
        return (
            width * height * (3 if kind in (3, 6) else 1) * (2 if kind not in (1, 4) and largest > 255 else 1)
        )
    if content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        try:
            tags = dict(_tiff_tags(content))
        except struct.error:  # damaged: for its decoder to tell
            return 0
        pixels = tags.get(WIDTH, 0) * tags.get(HEIGHT, 0)
        return pixels * tags.get(SAMPLES, 1) * -(-tags.get(BITS, 1) // 8)
    return 0


def jpeg_scans(content: bytes, most: int) -> int:
    """Return how many scans a JPEG has, ``most`` and one where it has more: each goes over the whole picture."""
    scans, place = 0, 2
    while scans <= most and (marker := MARKER.search(content, place)):
        kind, place = marker[0][1], marker.end()
        if kind == JPEG_END:
            break
        scans += kind == JPEG_SCAN
        place += int.from_bytes(content[place : place + 2], "big")
    return scans


def _tiff_tags(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the tags of TAGS and their first values, of a TIFF's first picture; struct.error where it is cut off."""
    order = "<" if content[:2] == b"II" else ">"
    big = content[2:4] in (b"+\0", b"\0+")  # BigTIFF: eight bytes where there were four
    count, entry, size = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    (place,) = struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)
    (entries,) = struct.unpack_from(order + count, content, place)
    place += struct.calcsize(order + count)
    for _ in range(min(entries, MOST_ENTRIES)):
        tag, kind, values = struct.unpack_from(order + entry, content, place)
        held = place + struct.calcsize(order + entry)
        if tag in TAGS and kind in TIFF_TYPES:
            form = order + TIFF_TYPES[kind]
            if values * struct.calcsize(form) > size:  # then they stand elsewhere
                (held,) = struct.unpack_from(order + ("Q" if big else "I"), content, held)
            yield tag, struct.unpack_from(form, content, held)[0]
        place = place + struct.calcsize(order + entry) + size
