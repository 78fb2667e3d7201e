"""Let a warm Python do a command of mmx, with the files and in the folder of this process.

    python ask_warm.py ADDRESS words

It imports the standard library alone, and ends with the exit status of the command.
"""

import json
import os
import socket
import sys

if __name__ == "__main__":
    command = {
        "module": "mmx_cli", "words": sys.argv[2:], "environment": dict(os.environ),
        "folder": os.getcwd(), "installed since": True,
    }  # fmt: skip
    with socket.socket(socket.AF_UNIX) as heard:
        heard.connect(sys.argv[1])
        socket.send_fds(heard, [json.dumps(command).encode()], [0, 1, 2])
        with heard.makefile("r", encoding="ascii") as lines:
            lines.readline()  # the number of the process
            sys.exit(int(lines.readline()))
