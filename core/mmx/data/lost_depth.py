"""Image files of more than 8 bits of each colour whose decoder gives 8: AVIF and JPEG 2000.

Sources: AV1 codec ISO media file format binding, 2.3.3; ISO/IEC 15444-1, annexes A.5.1 and I.5.3.1
"""

from collections.abc import Sequence
from pathlib import Path

from mmx.data.threads import in_threads
from mmx.errors import DataError
from mmx.files import open_regular
from mmx.interfaces import PackedImage

_AVIF = b"av1C"  # the box of AVIF that says how deep samples are,
_HIGH = 0x40  # by this bit of its third byte
_JP2, _RAW = b"jP  ", b"\xffO\xffQ"  # marks of JPEG 2000, in a file and bare
_HEADER = b"ihdr"  # the box of JPEG 2000: height, width, components, bits less 1
_COMPONENTS, _BITS = slice(8, 10), 10  # places in it
_OF_RAW = slice(40, 42)  # components behind the mark of bare JPEG 2000, then a depth
_VARY = 255  # each component has bits of its own
_HEAD = 4096  # bytes that tell it
_ENDINGS = (".avif", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx")
_LIMIT = 2**40  # bytes; only the head is read


def lost_depths(files: Sequence[Path | PackedImage]) -> list[str]:
    """Names of the files of which colours lose bits, by their heads; all others are not opened."""
    some = [
        file
        for file in files
        if file.name.lower().endswith(_ENDINGS) or isinstance(file, PackedImage)
    ]
    lost = in_threads(_loses, some)
    return [file.name for file, so in zip(some, lost, strict=True) if so]


def _loses(file: Path | PackedImage) -> bool:
    try:
        if isinstance(file, PackedImage):
            return loses_depth(file.head(_HEAD))
        with open_regular(file, limit=_LIMIT) as opened:
            return loses_depth(opened.read(_HEAD))
    except (OSError, ValueError, DataError):
        return False  # it is refused with its reason where it is decoded


def loses_depth(head: bytes) -> bool:
    """Whether colours of a file have more than 8 bits, of which 8 are read, by its first bytes."""
    if head[4:8] == b"ftyp" and (place := head.find(_AVIF)) >= 0:
        depth = head[place + 6 : place + 7]
        return bool(depth) and bool(depth[0] & _HIGH)
    if head[4:8] == _JP2 and (place := head.find(_HEADER)) >= 0:
        box = head[place + 4 :]
        return len(box) > _BITS and _deep(box[_COMPONENTS], box[_BITS])
    if head.startswith(_RAW):
        return len(head) > _OF_RAW.stop and _deep(head[_OF_RAW], head[_OF_RAW.stop])
    return False


def _deep(components: bytes, bits: int) -> bool:
    """Whether there are colours, and of more than 8 bits; grey of any depth is kept."""
    return int.from_bytes(components) > 2 and ((bits & 0x7F) > 7 or bits == _VARY)
