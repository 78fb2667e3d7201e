"""JSON that carries its own checksum."""

import json
from collections.abc import Mapping
from typing import Any

KEY = "sha256"


def seal(body: Mapping[str, object]) -> bytes:
    """A mapping of plain data as JSON, with a checksum of all that it says under ``sha256``."""
    plain = json.loads(json.dumps(body, allow_nan=False))
    return json.dumps({**plain, KEY: _digest(plain)}, indent=1).encode() + b"\n"


def unseal(content: bytes) -> dict[str, Any]:
    """What ``seal`` was given.

    Raises:
        ValueError: it is not JSON, or not byte for byte what ``seal`` writes.
    """
    try:
        plain = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(plain, dict) or KEY not in plain:
        raise ValueError("it has no checksum")
    del plain[KEY]
    if seal(plain) != content:
        raise ValueError("it does not match its checksum")
    return plain


def _digest(plain: Mapping[str, object]) -> str:
    from hashlib import sha256  # loads OpenSSL, which listing methods needs not

    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
