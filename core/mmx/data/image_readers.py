"""The reader of an image file that Pillow does not know, by what its bytes and its name say."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from mmx.errors import DataError, MmxError, PluginError
from mmx.interfaces import ImageContents, ImageReader, ImageReaderParams, ImageRequest, ReaderParams
from mmx.plugins import Plugins

PLAIN = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")
"""How PNG, JPEG, GIF, BMP and WebP begin, which Pillow reads and no reader is asked for."""

_HEAD = 4096  # bytes
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class _KnownReader:
    """A reader of images.

    Attributes:
        params: its settings, which say which files are its own.
        reader: built from them.
        code: digest of its code and of the libraries that decide its pixels.
    """

    params: ImageReaderParams
    reader: ImageReader
    code: str


class ImageReaders:
    """The readers of images among some plugins, those of mmx first.

    Args:
        plugins: of a spec; None: what is installed.
    """

    def __init__(self, plugins: Plugins | None = None) -> None:
        self._plugins = plugins

    @cached_property
    def _known(self) -> tuple[_KnownReader, ...]:
        """Those that are installed, imported when a file comes that Pillow may not know."""
        return tuple(_image_readers(Plugins() if self._plugins is None else self._plugins))

    @property
    def code(self) -> tuple[str, ...]:
        """Digests of the code and the libraries of each."""
        return tuple(one.code for one in self._known)

    def read(self, content: bytes, request: ImageRequest) -> ImageContents | None:
        """The picture in an image file that a reader is for; None of any other file.

        Raises:
            MissingExtraError: the library of the reader is not installed.
            DataError: it cannot be read.
        """
        own = self._of(content, request.name)
        return None if own is None else _asked(own, own.reader.read, content, request)

    def frames(self, content: bytes, request: ImageRequest) -> int:
        """How many pictures a file holds; 1 for a file that no reader is for.

        Raises:
            MissingExtraError: the library of the reader is not installed.
            DataError: it cannot be read.
        """
        own = self._of(content, request.name)
        return 1 if own is None else _asked(own, own.reader.frames, content, request)

    def traces(self, head: bytes, name: str) -> Mapping[str, str | float | None]:
        """What a file says of its origin; nothing of a file that no reader is for.

        Raises:
            MissingExtraError: the library of the reader is not installed.
            DataError: it cannot be read.
        """
        own = self._of(head, name)
        if own is None:
            return {}
        return _asked(own, lambda head, _: own.reader.traces(head), head, ImageRequest(name, 0))

    def key(self, content: bytes, name: str) -> str:
        """Digest of the bytes of a file, and of the code and the libraries of its reader."""
        digest = hashlib.blake2b(content, digest_size=20)
        own = self._of(content, name)
        if own is not None:
            digest.update(own.code.encode())
        return digest.hexdigest()

    def deep(self, content: bytes, name: str) -> bool | None:
        """Whether a reader may give more than 8 bits of grey; None of a file that none is for."""
        own = self._of(content, name)
        return None if own is None else own.params.may_be_deep(content)

    def _of(self, content: bytes, name: str) -> _KnownReader | None:
        """The reader that a file is for."""
        if content.startswith(PLAIN):
            return None
        path, head = Path(name), content[:_HEAD]
        return next((one for one in self._known if one.params.claims(path, head)), None)


def readers_for(content: bytes) -> ImageReaders | None:
    """The readers that are installed; None of a file that no reader is asked for."""
    return None if content.startswith(PLAIN) else ImageReaders()


def _asked(
    own: _KnownReader,
    ask: Callable[[bytes, ImageRequest], Found],
    content: bytes,
    request: ImageRequest,
) -> Found:
    """What a reader answers; whatever its library raises is told in plain words."""
    try:
        return ask(content, request)
    except (MmxError, MemoryError):
        raise
    except Exception as error:  # a library raises whatever damaged bytes make it do
        words = " ".join(f"{type(error).__name__}: {error}".split())
        name = own.params.entry_point
        raise DataError(f"{request.name} cannot be read by {name}: {words}") from error


def _image_readers(plugins: Plugins) -> Iterator[_KnownReader]:
    """Each reader of images; a package that is broken stands in nobody's way."""
    methods = [one for one in plugins.installed(ReaderParams.kind) if one.status == "found"]
    for method in sorted(methods, key=lambda one: one.package != "mmx"):
        try:
            found = plugins.find(method.kind, method.long_name)
        except PluginError:
            continue
        if issubclass(found, ImageReaderParams):
            params = found()
            facts = [plugins.source_of(found).digest, _versions(params.libraries)]
            yield _KnownReader(params, params.build(), json.dumps(facts))


def _versions(libraries: tuple[str, ...]) -> list[str]:
    return [f"{name} {_version(name)}" for name in libraries]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"
