"""The templates of this package, ready to render."""

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from mmx.blocks import plural_of
from mmx.report import wording

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> "Environment":
    """The templates of this package, with our words for numbers; everything is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only where a page is written

    made = Environment(
        loader=PackageLoader("mmx.report", "templates"),
        autoescape=True,
        finalize=wording.visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (
        "bounds", "count", "decimal", "formed", "known", "percent", "plural", "sentence",
        "title",
    ):  # fmt: skip
        made.filters[name] = getattr(wording, name)
    made.filters |= {"plural_of": plural_of, "trusted": Markup}
    return made
