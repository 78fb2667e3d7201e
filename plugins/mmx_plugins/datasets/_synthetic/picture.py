"""Photographs of synthetic lesions: how a lesion looks, and the pixels of one picture of it."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.floating]

_DEVICE = 7  # stream of devices
_CAST = 0.25  # share by which the strongest signature changes a channel, at most
VERSION = 1  # raised when pictures change, so that no cache mixes two versions


@dataclass(frozen=True, slots=True)
class LesionLook:
    """How the lesions of a class look.

    Attributes:
        colour: RGB in 0..1.
        length: ratio of the long to the short axis, >= 1.
        lobes: bulges of the border.
        depth: of the bulges, share of the radius.
        soft: width of the border, share of the radius.
        texture: what covers it.
    """

    colour: tuple[float, float, float]
    length: float
    lobes: int
    depth: float
    soft: float
    texture: Literal["none", "dots", "stripes", "ring", "net", "patches"]


LOOKS = (
    LesionLook((0.42, 0.24, 0.12), 1.0, 2, 0.02, 0.10, "none"),
    LesionLook((0.10, 0.08, 0.16), 1.3, 7, 0.22, 0.08, "patches"),
    LesionLook((0.80, 0.16, 0.18), 1.0, 2, 0.03, 0.10, "dots"),
    LesionLook((0.93, 0.80, 0.38), 1.9, 2, 0.06, 0.18, "stripes"),
    LesionLook((0.24, 0.36, 0.62), 1.1, 3, 0.10, 0.30, "ring"),
    LesionLook((0.97, 0.95, 0.92), 1.2, 5, 0.18, 0.08, "net"),
    LesionLook((0.36, 0.46, 0.24), 1.0, 4, 0.18, 0.12, "dots"),
    LesionLook((0.54, 0.18, 0.46), 1.8, 3, 0.08, 0.10, "net"),
    LesionLook((0.94, 0.54, 0.16), 1.0, 9, 0.12, 0.08, "ring"),
    LesionLook((0.30, 0.42, 0.42), 2.2, 2, 0.10, 0.25, "stripes"),
)
DULL = LesionLook((0.74, 0.52, 0.42), 1.1, 2, 0.04, 0.45, "none")


def look_of_level(share: float) -> LesionLook:
    """The look of a lesion of a level, as a share of the highest one: darker and more ragged."""
    colour = (0.85 - 0.6 * share, 0.62 - 0.45 * share, 0.5 - 0.35 * share)
    return LesionLook(colour, 1.0 + 0.3 * max(share, 0.0), 5, max(0.02, 0.25 * share), 0.12, "dots")


@dataclass(frozen=True, slots=True)
class SyntheticLesion:
    """One photograph: the look decides what is drawn, seed, row and kind how this one differs.

    Attributes:
        look: what is drawn.
        seed: of the data set.
        row: of the photograph.
        size: pixels, square.
        kind: of photographs; the first is drawn as when there was no other.
        device: that took it.
        signature: strength of the cast that the device leaves, in [0, 1].
    """

    look: LesionLook
    seed: int
    row: int
    size: int
    kind: int = 0
    device: int = 0
    signature: float = 0.0

    @property
    def key(self) -> str:
        """Digest of all that decides the pixels."""
        cast = (self.device, self.signature) if self.signature else ()
        what = repr((VERSION, self.look, self.seed, self.row, self.size, *self._stream, *cast))
        return hashlib.blake2b(what.encode(), digest_size=20).hexdigest()

    @property
    def _stream(self) -> tuple[int, ...]:
        """What sets other kinds apart; the first is drawn as when there was no other."""
        return (self.kind,) if self.kind else ()

    def pixels(self) -> "NDArray[np.uint8]":
        """[size, size, 3], RGB."""
        draw = np.random.default_rng([VERSION, self.seed, self.row, *self._stream])
        u, v = _plane(self.size, self.look.length, draw)
        radius = np.hypot(u, v)
        border = _border(u, v, radius, self.look, draw)
        inside = ((border - radius) / self.look.soft + 0.5).clip(0, 1)
        shade = 1 + 0.3 * inside * _texture(u, v, radius, self.look, draw)
        skin = np.array([0.93, 0.76, 0.66], np.float32) * np.float32(draw.uniform(0.85, 1.0))
        colour = np.array(self.look.colour, np.float32) + draw.normal(0, 0.02, 3)
        light = np.float32(draw.uniform(0.9, 1.05)) * shade
        image = (skin + inside[..., None] * (colour - skin).astype(np.float32)) * light[..., None]
        if self.signature:
            image = image * _cast(self.device, self.signature)
        grain = draw.integers(-6, 7, size=(self.size, self.size, 1), dtype=np.int8)
        return np.asarray((image * 255 + grain).clip(0, 255), np.uint8)


def _cast(device: int, strength: float) -> "Plane":
    """[3], by what a device multiplies red, green and blue: its own for ever."""
    own = np.random.default_rng([VERSION, _DEVICE, device]).uniform(-1, 1, 3)
    return np.asarray(1 + _CAST * strength * own, np.float32)


def _plane(size: int, length: float, draw: np.random.Generator) -> "tuple[Plane, Plane]":
    """Coordinates [size, size] in which the lesion is about a unit circle."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    x = axis[None, :] - np.float32(draw.uniform(-0.12, 0.12))
    y = axis[:, None] - np.float32(draw.uniform(-0.12, 0.12))
    angle, scale = draw.uniform(0, 2 * np.pi), draw.uniform(0.5, 0.65)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    long, short = np.float32(scale * length**0.5), np.float32(scale / length**0.5)
    return (cosine * x + sine * y) / long, (cosine * y - sine * x) / short


def _border(
    u: "Plane",
    v: "Plane",
    radius: "Plane",
    look: LesionLook,
    draw: np.random.Generator,
) -> "Plane":
    """[size, size], distance of the border from the centre in the direction of each pixel."""
    direction = (u + 1j * v).astype(np.complex64) / np.maximum(radius, np.float32(1e-3))
    turn = np.exp(1j * draw.uniform(0, 2 * np.pi, 2)).astype(np.complex64)
    wave = (turn[0] * direction**look.lobes).real + 0.3 * (turn[1] * direction**3).real
    return np.asarray(1 + look.depth * wave, np.float32)


def _texture(
    u: "Plane",
    v: "Plane",
    radius: "Plane",
    look: LesionLook,
    draw: np.random.Generator,
) -> "Plane":
    """[size, size], about -1..1: darker and lighter places."""
    phase = draw.uniform(0, 2 * np.pi, 2).astype(np.float32)
    waves: Plane
    match look.texture:
        case "none":
            waves = np.zeros_like(radius)
        case "dots":
            waves = np.sin(14 * u + phase[0]) * np.sin(14 * v + phase[1])
        case "stripes":
            waves = np.sin(16 * u + phase[0])
        case "ring":
            waves = np.cos(9 * radius)
        case "net":
            waves = np.maximum(np.sin(11 * u + phase[0]), np.sin(11 * v + phase[1])) - 0.4
        case "patches":
            waves = np.sin(4 * u + 2 * v + phase[0]) + 0.7 * np.sin(5 * v - 3 * u + phase[1])
    return waves
