"""Life-cycle functions of a module, marked with ``mmx.hookimpl``, as a hook with an instance."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

from pydantic import create_model

from mmx.interfaces import Hook, HookParams, RunDescription, Section
from mmx.plugins.loading import new_manager


class ModuleHookParams(HookParams):
    """What a spec may say of such a hook: whether it is required."""

    module: ClassVar[ModuleType]

    def build(self) -> "ModuleHook":
        """The functions of the module, as they are: what they keep, they keep in the module."""
        return ModuleHook(self.module)


class ModuleHook(Hook):
    """Calls the functions of one module and of no other."""

    def __init__(self, module: ModuleType) -> None:
        manager = new_manager()
        manager.register(module, module.__name__)
        self._call: Any = manager.hook

    def audit_checks(self) -> Sequence[object]:
        """What ``mmx_audit_checks`` gives."""
        return _joined(self._call.mmx_audit_checks())

    def started(self, folder: Path, spec: RunDescription) -> None:
        """Call ``mmx_run_started``."""
        self._call.mmx_run_started(run_path=folder, spec=spec)

    def epoch_ended(self, folder: Path, epoch: int, values: Mapping[str, float]) -> None:
        """Call ``mmx_epoch_ended``."""
        self._call.mmx_epoch_ended(run_path=folder, epoch=epoch, values=values)

    def report_sections(self, folder: Path, metrics: Mapping[str, object]) -> Sequence[Section]:
        """What ``mmx_report_sections`` gives."""
        return _joined(self._call.mmx_report_sections(run_path=folder, metrics=metrics))

    def finished(self, folder: Path, metrics: Mapping[str, object]) -> None:
        """Call ``mmx_run_finished``."""
        self._call.mmx_run_finished(run_path=folder, metrics=metrics)


def hook_of_module(module: ModuleType, name: str) -> type[HookParams]:
    """Settings of the hook that a module of API 1 is.

    Args:
        module: that has life-cycle functions.
        name: by which a spec names it.
    """
    # a type that is computed is no Literal for a checker, and pydantic wants exactly that
    exactly: Any = Literal[name]
    made = create_model(
        f"{module.__name__.rpartition('.')[2]}Hook", __base__=ModuleHookParams,
        __module__=module.__name__, __doc__=module.__doc__, type=(exactly, name),
    )  # fmt: skip
    made.module = module
    return made


def _joined(answers: Sequence[Any]) -> list[Any]:
    """One list; what is none counts as one of its entries, for who asks to refuse."""
    lists = [one if isinstance(one, list | tuple) else [one] for one in answers]
    return list(chain.from_iterable(lists))
