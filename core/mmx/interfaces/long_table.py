"""Long tables: one row an image, several rows a case."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LongTable:
    """Which rows of a table belong together, and what each of their images shows.

    Attributes:
        case: columns that together name the case of a row.
        images: modality -> columns of images, as the rows have them.
        view: columns that together name the view of a row; empty: all rows show the same.
        kinds: modality -> the views whose rows are its images, any number of them.
        places: views in the order of their places in each modality; one row each.
        order: column that sorts the images of a case; None: the order of the rows.
        group: column that tells the group, which may be one of images, as paths do.
        pattern: of the part of the cells of ``case`` that is the case; empty: all of them.
    """

    case: tuple[str, ...]
    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    view: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    order: str | None = None
    group: str | None = None
    pattern: str = ""

    @property
    def name(self) -> str:
        """The column of gathered rows that names the case."""
        joined = " + ".join(self.case)
        return f"{joined}: case" if self.pattern else joined

    @property
    def group_name(self) -> str | None:
        """The column of gathered rows that tells the group."""
        return f"{self.group}: group" if self.group in self.columns else self.group

    @property
    def gathered(self) -> dict[str, tuple[str, ...]]:
        """Modality -> its columns once the rows of each case are one."""
        if self.kinds:
            (column,) = self.columns
            return {kind: (f"{column}: {kind}",) for kind in self.kinds}
        if self.places:
            return {
                name: tuple(f"{column}: {view}" for column in columns for view in self.places)
                for name, columns in self.images.items()
            }
        return {**self.images}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of images, each once."""
        return tuple(dict.fromkeys(one for names in self.images.values() for one in names))

    def of(self, modalities: Mapping[str, object]) -> Mapping[str, tuple[str, ...]]:
        """The columns of images that these modalities of gathered rows come from."""
        if self.kinds:
            return self.images if modalities else {}
        return {name: columns for name, columns in self.images.items() if name in modalities}
