"""Python that has loaded the heavy libraries: each command of mmx is done by a copy of it.

A command in a process of its own loads torch and others for some seconds before it does anything.
Here one process loads them once and forks for each command. What a test does to such a process, a
signal or a kill, reaches that process alone.

    python warm.py ADDRESS

listens at a socket in the file system. A command comes as JSON (module, words, environment, folder)
with its three standard files; the number of its process goes back, and its exit status at the end.
"""

import gc
import json
import os
import runpy
import signal
import site
import socket
import sys
from contextlib import suppress
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

HEAVY = (
    "accelerate", "filelock", "jinja2", "matplotlib.backends.backend_svg", "matplotlib.figure",
    "mmx_cli.main", "mmx.audit", "mmx.experiment.answers", "mmx.interfaces", "pandas",
    "pyarrow.parquet", "scipy.optimize", "scipy.stats", "sklearn.model_selection", "torch",
    "torch._dynamo", "torch.distributed.tensor", "typer._adapters",
)  # fmt: skip
OF_MOST_RUNS = (
    "datasets.synthetic", "datasets.table", "fusion.concat", "heads.mlp", "losses.cross_entropy",
    "narratives.column", "samplers.shuffle", "tasks.single_label",
)  # fmt: skip


def read_sources() -> None:
    """What a run's digest reads of mmx is remembered as long as no file changes."""
    parsed = import_module("mmx.plugins.parsed_file")
    for package in ("mmx", "mmx_plugins"):
        for file in Path(import_module(package).__path__[0]).rglob("*.py"):
            parsed.parse_file(str(file))


def make_ready() -> None:
    """What most commands import and read besides, and what is installed."""
    import_module("mmx.audit.check").all_checks()
    for name in OF_MOST_RUNS:
        import_module(f"mmx_plugins.{name}")
    pages = import_module("mmx.report.environment").environment()
    for name in pages.list_templates():
        pages.get_template(name)
    read = import_module("mmx.plugins.discovery").read_claims
    known = read(None)
    import_module("mmx.plugins.registry").read_claims = (  # type: ignore[attr-defined]
        lambda path: [*known] if path is None else read(path)
    )


def shorten_pages() -> None:
    """Figures are filled with curves and not rendered, as the fixture ``short_pages`` has it."""
    import_module("mmx.report.svg").rendered = lambda figure: "<svg></svg>"  # type: ignore[attr-defined]


def fork_workers(address: str) -> None:
    """The workers of its study are copies of the warm Python as well; their pages are short."""
    warm = import_module("warm_processes")
    start = warm.workers_of(warm.WarmAddress(Path(address), short_pages=True))
    import_module("mmx.study.executor").LocalExecutor._start = start


def next_command(listener: socket.socket) -> dict[str, Any] | None:
    """In the process of a command, that command; None when there are no more, where main runs."""
    while True:
        heard, _ = listener.accept()
        with heard:
            message, handles, _, _ = socket.recv_fds(heard, 1 << 20, 3)
            if not message:
                return None
            if os.fork() == 0:
                listener.close()
                return watched(heard, json.loads(message), handles)
        for handle in handles:
            os.close(handle)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def watched(heard: socket.socket, command: dict[str, Any], handles: list[int]) -> dict[str, Any]:
    """Returns in the process of the command; that which waits for it ends here."""
    process = os.fork()
    if process == 0:
        heard.close()
        for place, handle in enumerate(handles):
            os.dup2(handle, place)
            os.close(handle)
        return command
    heard.sendall(f"{process}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(BrokenPipeError):  # nobody waits for it any more
        heard.sendall(f"{status}\n".encode())
    os._exit(0)


def see_installed() -> None:
    """What was installed since Python started is seen, as by one that starts now."""
    read = import_module("mmx.plugins.discovery").read_claims
    import_module("mmx.plugins.registry").read_claims = read  # type: ignore[attr-defined]
    for folder in site.getsitepackages():
        site.addsitedir(folder)
    invalidate_caches()


def perform(command: dict[str, Any], address: str) -> None:
    """What ``python -m module words`` does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["folder"])
    if command.get("installed since"):
        see_installed()
    if command.get("short pages"):
        shorten_pages()
    if command.get("forked workers"):
        fork_workers(address)
    sys.argv = [command["module"], *command["words"]]
    runpy.run_module(command["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    gc.disable()
    for name in HEAVY:
        import_module(name)
    read_sources()
    make_ready()
    gc.enable()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(sys.argv[1])
        server.listen()
        asked = next_command(server)
    if asked is not None:
        perform(asked, sys.argv[1])
