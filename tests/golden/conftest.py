"""The modules beside the tests are imported by their names, as `python make.py` does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
