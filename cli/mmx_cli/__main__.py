"""The program `mmx`; also as `python -m mmx_cli`, which accelerate and torchrun need."""

import gc

from mmx_cli.main import app

YOUNG = 10_000  # new objects, after which Python looks for garbage; its own number is 700


def main() -> None:
    """Do the command of this process.

    The libraries make a million objects that stay. To look at them again and again for garbage,
    while they are imported, takes a second of each run.
    """
    gc.set_threshold(YOUNG)
    app(prog_name="mmx")


if __name__ == "__main__":
    main()
