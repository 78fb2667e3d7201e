"""Readers of images are those of the spec's plugins, and what decodes is part of the keys."""

from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from mmx.data import ImageReaders, ImageStore
from mmx.data.image_readers import PLAIN
from mmx.interfaces import ImageRequest, Sample
from mmx.plugins import Plugins
from mmx.spec import ImageSpec

LOCAL = '''"""Dots in files of a company's own format."""
from typing import ClassVar, Literal
import numpy as np
from mmx import hookimpl
from mmx.interfaces import ImageContents, ImageReader, ImageReaderParams

MMX_API = 2

class DotsParams(ImageReaderParams):
    type: Literal["dots"] = "dots"
    endings: ClassVar[tuple[str, ...]] = (".dots",)
    def build(self):
        return Dots()

class Dots(ImageReader):
    def read(self, content, request):
        return ImageContents(np.full((2, 2, 3), SHADE, np.uint8))

@hookimpl
def mmx_components():
    return [DotsParams]
'''


def store(folder: Path, readers: ImageReaders) -> ImageStore:
    (folder / "a.dots").write_bytes(b"dots")
    sample = Sample("a", "a", images={"image": (folder / "a.dots",)})
    return ImageStore(
        [sample], ImageSpec(height=2, width=2), folder=folder / "c", memory_gb=1, readers=readers
    )


def test_a_local_reader_decodes_where_its_file_is_given_and_nowhere_else(tmp_path: Path) -> None:
    keys = []
    for shade in (7, 9):  # an edited reader never finds the pixels of the former one
        file = tmp_path / f"dots{shade}.py"
        file.write_text(LOCAL.replace("SHADE", str(shade)))
        found = store(tmp_path, ImageReaders(Plugins(files=[file])))
        assert found.collate([0]).pixels.unique().tolist() == [shade]
        keys += found.keys
    assert len(set(keys)) == 2
    (bad,) = store(tmp_path, ImageReaders(Plugins())).unreadable
    assert "not a readable image" in bad.reason


def test_the_version_of_a_library_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes(128) + b"DICM"
    now = ImageReaders().key(content, "a.dcm")
    assert now == ImageReaders().key(content, "b.dcm")
    assert now != ImageReaders().key(PLAIN[0] + content, "a.dcm")
    real = metadata.version
    monkeypatch.setattr(
        "mmx.data.image_readers.version",
        lambda name: "99" if name == "pylibjpeg-openjpeg" else real(name),
    )
    assert ImageReaders().key(content, "a.dcm") != now


def test_what_pillow_knows_is_never_given_to_a_reader() -> None:
    readers = ImageReaders()
    for start in PLAIN:
        assert readers.read(start + b"DICM" * 99, ImageRequest("a.dcm", 9)) is None
        assert readers.frames(start, ImageRequest("a.dcm", 9)) == 1
    assert np.all([readers.key(start, "a.png") for start in PLAIN])
