"""Joining small shards, so that reading a batch opens few files."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mmx.data.shards import Shard, ShardWriter, open_shards, remove_shard
from mmx.files import Busy, Hold

SMALL = 32 << 20  # bytes; larger shards are left as they are
MANY = 16  # small shards that make reading slow


def join_small(
    root: Path, known: dict[Path, Shard], *, room: Callable[[], int], fresh: bool
) -> list[Shard]:
    """All shards of a folder, after joining small ones that hold the same arrays.

    Args:
        root: folder of shards.
        known: shards that this process has checked before; see ``open_shards``.
        room: tells how many bytes may be written meanwhile; without room nothing is joined.
        fresh: whether the last ones were just written; else they are joined only when there are
            many.
    """
    shards, _ = open_shards(root, known)
    if not _groups(shards, room, fresh):
        return shards
    with suppress(Busy), Hold(root / "joining").now():  # another process does it already
        shards, _ = open_shards(root, known)  # and may just have done it
        for group in _groups(shards, room, fresh):
            _join(root, group)
    return open_shards(root, known)[0]


def _groups(shards: Sequence[Shard], room: Callable[[], int], fresh: bool) -> list[list[Shard]]:
    """Small shards that hold the same arrays, where there are several of them."""
    alike: dict[object, list[Shard]] = {}
    for shard in shards:
        if _size(shard) <= SMALL:
            alike.setdefault(_form(shard), []).append(shard)
    wanted = [group for group in alike.values() if len(group) > (1 if fresh else MANY)]
    left = room() if wanted else 0
    return [group for group in wanted if sum(map(_size, group)) <= left]


def _join(root: Path, group: Sequence[Shard]) -> None:
    """Write the shards of a group as one, publish it, and take them away."""
    writer = ShardWriter(root)
    try:
        for shard in group:
            for name, values in shard.arrays.items():
                writer.append(name, values)
        writer.publish([key for shard in group for key in shard.keys])
    except BaseException:
        writer.discard()
        raise
    for shard in group:
        remove_shard(shard.folder)


def _size(shard: Shard) -> int:
    return sum(array.nbytes for array in shard.arrays.values())


def _form(shard: Shard) -> object:
    """What two shards must have in common to be joined."""
    arrays = sorted(shard.arrays.items())
    return tuple((name, array.dtype.str, array.shape[1:]) for name, array in arrays)
