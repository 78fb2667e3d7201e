"""`python -m mmx_cli`, which `accelerate launch -m mmx_cli` and torchrun need."""

from mmx_cli.main import app

app(prog_name="mmx")
