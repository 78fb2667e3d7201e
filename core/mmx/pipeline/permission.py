"""Plugin files of a run: the run names them, and only who opens the run may have them imported."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmx.errors import RunError
from mmx.pipeline.facts import PluginFile, read_surroundings
from mmx.plugins import file_digest, plugin_file
from mmx.runs import RunFolder

_SHOWN = 200  # characters of a path that a stranger wrote


def permitted(
    folder: RunFolder, given: Sequence[str | Path], *, edited: bool = False
) -> tuple[Path, ...]:
    """The plugin files to open a run with, held against its record before any is imported.

    Args:
        folder: of the run.
        given: files that the user named; they alone are ever imported.
        edited: whether a file may compute something else than the one that the run was made with.

    Raises:
        RunError: a file of the run is not among them, or is not what it was.
        PluginError: a file cannot be read.
    """
    files = tuple(plugin_file(file) for file in given)
    digests = {file: file_digest(file) for file in files}
    wanted = read_surroundings(folder).plugins
    lacking = list(_lacking(wanted, digests))
    if lacking:
        options = " ".join(f"--plugin {one!r}" for one in lacking)
        raise RunError(
            f"the run {folder.path} was made with a plugin file, and no file is imported because a "
            f"run names it; look at it, and if you trust it, name it yourself: {options}"
        )
    for one in wanted:
        same = not one.source or one.source in digests.values()
        if not same and not edited:
            raise RunError(
                f"{Path(one.file).name!r} computes something else than when the run "
                f"{folder.path} was made (its digest is {_named(one, digests)}, and the run has "
                f"{one.source[:12]}); bring that version back, or run the spec again"
            )
    return files


def _lacking(wanted: Sequence[PluginFile], digests: Mapping[Path, str]) -> Iterator[str]:
    """Paths, cut, of the files that no given file equals or is named after."""
    names = {file.name for file in digests}
    for one in wanted:
        if Path(one.file).name not in names and one.source not in digests.values():
            yield one.file[:_SHOWN]


def _named(one: PluginFile, digests: Mapping[Path, str]) -> str:
    """Digest of the given file of the same name."""
    name = Path(one.file).name
    return next(digest for file, digest in digests.items() if file.name == name)[:12]
