"""An option that means one thing is taken once: the second one is refused, not the first forgot."""

from typing import Any

import typer
from typer.core import TyperCommand


class OnceCommand(TyperCommand):
    """A command whose options are given once, unless they are lists."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that is given twice; the parser alone would keep the last one."""
        _, _, order = self.make_parser(ctx).parse_args(args=[*args])
        for param in order:
            if order.count(param) > 1 and not getattr(param, "multiple", False):
                name = max(param.opts, key=len)
                raise typer.BadParameter(f"{name} is given more than once; give it once", ctx=ctx)
        return super().parse_args(ctx, args)


def refuse_repeats(app: typer.Typer) -> None:
    """Let every command of an app and of its groups take its options once."""
    for command in app.registered_commands:
        command.cls = OnceCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            refuse_repeats(group.typer_instance)
