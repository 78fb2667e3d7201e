"""``mmx run`` from files as people have them, each format drawn small, to a report."""

import io
import tarfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import openpyxl
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from typer.testing import CliRunner, Result

from mmx_cli.main import app

with warnings.catch_warnings():  # at its import
    warnings.simplefilter("ignore")
    import datasets

SPEC = """
name: drawn
data:
  dataset: {{{dataset}, label: dx, text: text, group: patient}}
  narrative: {{type: column, column: text}}
  image: {{height: 32, width: 32{image}}}
model: {{image: {encoder}, text: tiny_text, fusion: concat, projection: 8}}
train: {{epochs: 1, batch_size: 8, precision: fp32}}
evaluation: {{resamples: 20, explain: false}}
audit: {{waive: {{file_traces: drawn data}}}}
"""


def rows() -> Iterator[dict[str, Any]]:
    """24 cases of 12 patients, bright and dark ones."""
    for number in range(24):
        sick = number // 2 % 2
        yield {
            "id": f"c{number:02d}",
            "dx": ("well", "sick")[sick],
            "patient": f"P{number // 2}",
            "text": f"since {number % 5} weeks",
            "grey": np.random.default_rng(number).normal(80 + 90 * sick, 20, (10, 10)).clip(0, 255),
        }


def png(row: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(row["grey"].astype(np.uint8)).convert("RGB").save(file, "PNG")
    return file.getvalue()


def write(folder: Path, ending: str, content: Callable[[dict[str, Any]], bytes]) -> list[list[str]]:
    """An image file for each row, and the cells of a table of them."""
    lines = [["image", "dx", "patient", "text"]]
    for row in rows():
        (folder / f"{row['id']}{ending}").write_bytes(content(row))
        lines.append([f"{row['id']}{ending}", row["dx"], row["patient"], row["text"]])
    return lines


def csv(folder: Path, lines: list[list[str]], name: str = "t.csv") -> str:
    (folder / name).write_text("\n".join(map(",".join, lines)) + "\n")
    return f"type: table, path: {folder / name}"


def dicom(folder: Path) -> str:
    """16 bits, of which 12 are used, with a rescale."""

    def content(row: dict[str, Any]) -> bytes:
        found = pydicom.Dataset()
        found.Rows, found.Columns, found.SamplesPerPixel = 10, 10, 1
        found.PhotometricInterpretation = "MONOCHROME2"
        found.BitsAllocated, found.BitsStored, found.HighBit = 16, 12, 11
        found.PixelRepresentation, found.RescaleSlope, found.RescaleIntercept = 0, 1, -1024
        found.PixelData = (row["grey"] * 16).astype(np.uint16).tobytes()
        found.file_meta = FileMetaDataset()
        found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        found.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        found.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        file = io.BytesIO()
        pydicom.dcmwrite(file, found, enforce_file_format=True)
        return file.getvalue()

    return csv(folder, write(folder, ".dcm", content)) + ", images: [image]"


def nifti(folder: Path) -> str:
    def content(row: dict[str, Any]) -> bytes:
        voxels = np.stack([row["grey"]] * 5, axis=2).astype(np.int16)
        written: bytes = nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes()
        return written

    return csv(folder, write(folder, ".nii", content)) + ", images: [image]"


def xlsx(folder: Path) -> str:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in write(folder, ".png", png):
        book.active.append(line)
    book.save(folder / "t.xlsx")
    return f"type: table, path: {folder / 't.xlsx'}, images: [image]"


def image_folder(folder: Path) -> str:
    lines = write(folder, ".png", png)
    lines[0][0] = "file_name"
    csv(folder, lines, "metadata.csv")
    return f"type: table, path: {folder}, images: [file_name]"


def saved_dataset(folder: Path) -> str:
    columns = {
        **{name: [row[name] for row in rows()] for name in ("dx", "patient", "text")},
        "image": [{"bytes": png(row), "path": f"{row['id']}.png"} for row in rows()],
    }
    datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image()).save_to_disk(
        folder / "saved"
    )
    return f"type: table, path: {folder / 'saved'}, images: [image]"


def webdataset(folder: Path) -> str:
    with tarfile.open(folder / "shard.tar", "w") as shard:
        for row in rows():
            facts = {name: row[name] for name in ("dx", "patient", "text")}
            for ending, content in ((".png", png(row)), (".json", str(facts).replace("'", '"'))):
                held = content.encode() if isinstance(content, str) else content
                member = tarfile.TarInfo(row["id"] + ending)
                member.size = len(held)
                shard.addfile(member, io.BytesIO(held))
    return f"type: table, path: {folder / 'shard.tar'}, images: [image]"


def here(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.filterwarnings("ignore")  # of the library datasets, at its first use
@pytest.mark.parametrize(
    ("make", "image"),
    [
        (dicom, ", range: [-1024, 3071]"),
        (nifti, ", frames: 2, plane: coronal"),
        (xlsx, ""),
        (image_folder, ""),
        (saved_dataset, ""),
        (webdataset, ""),
    ],
)
def test_a_format_is_run_from_its_files_to_a_report(
    make: Callable[[Path], str], image: str, home: Path, tiny_plugin: Path
) -> None:
    folder = home / "data"
    folder.mkdir()
    several = "{type: sequence, backbone: tiny_image}"
    encoder = several if "frames" in image else "tiny_image"
    spec = home / "spec.yaml"
    spec.write_text(SPEC.format(dataset=make(folder), image=image, encoder=encoder))
    done = here("run", spec, "--plugin", tiny_plugin)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("balanced accuracy ")
    (run,) = (home / "runs").iterdir()
    assert (run / "report.html").is_file()
    if make in (dicom, nifti):
        file = next(one for one in sorted(folder.iterdir()) if one.suffix in (".dcm", ".nii"))
        told = here("predict", run, "--image", file, "--text", "words", "--plugin", tiny_plugin)
        assert told.exit_code == 0, told.output
        assert told.stdout.count("%") == 2
