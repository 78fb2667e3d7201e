"""Call a function of a module in a folder: ``python -m call FOLDER MODULE FUNCTION ARGUMENTS``.

The arguments are a list in JSON.
"""

import json
import sys
from importlib import import_module

if __name__ == "__main__":
    folder, module, function, arguments = sys.argv[1:]
    sys.path.insert(0, folder)
    getattr(import_module(module), function)(*json.loads(arguments))
