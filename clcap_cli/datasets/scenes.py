"""Scenes: a generated dataset with known truth, small enough to try everything on.

A scene is a background with one to three objects, each with a shape, a colour, a size and a place of its own. Five
writers describe it. They see the same things but mention different ones, often few, so that the safe caption is a
vague one: what maximum likelihood learns to write, and what contrastive learning has to overcome.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

SIDE = 96
"""Pixels."""
COLOURS = {
    "red": (214, 40, 40),
    "orange": (240, 130, 20),
    "yellow": (246, 214, 40),
    "green": (40, 150, 60),
    "blue": (36, 84, 200),
    "purple": (130, 50, 160),
    "pink": (240, 130, 180),
    "black": (25, 25, 25),
}
BACKGROUNDS = {
    "white": (246, 246, 246),
    "grey": (160, 160, 160),
    "brown": (130, 90, 60),
    "cyan": (150, 220, 230),
}
SHAPES = ("circle", "square", "triangle", "star", "ring", "cross")
SIZES = {"small": 0.11, "large": 0.19}
POSITIONS = {
    "top left": (0.25, 0.25),
    "top right": (0.75, 0.25),
    "middle": (0.5, 0.5),
    "bottom left": (0.25, 0.75),
    "bottom right": (0.75, 0.75),
}
COUNT_WORDS = ("no", "one", "two", "three")


@dataclass(frozen=True)
class SceneObject:
    """One object of a scene."""

    shape: str
    colour: str
    size: str
    place: str


@dataclass(frozen=True)
class Scene:
    """What is to be seen in one image; the first thing is the one that writers speak of first."""

    background: str
    things: tuple[SceneObject, ...]


def random_scenes(count: int, rng: np.random.Generator) -> list[Scene]:
    """``count`` scenes, no two of which are the same."""
    scenes: dict[Scene, None] = {}
    while len(scenes) < count:
        scenes[_random_scene(rng)] = None
    return list(scenes)


def describe(scene: Scene, rng: np.random.Generator) -> list[str]:
    """What the five writers say."""
    return [writer(scene, rng) for writer in ANNOTATORS]


def render(scene: Scene, rng: np.random.Generator) -> Image.Image:
    """The scene as a picture; places, sizes and colours vary a little."""
    scale = 4  # drawn large and scaled down, so that edges are smooth
    side = SIDE * scale
    image = Image.new("RGB", (side, side), _varied(BACKGROUNDS[scene.background], rng))
    pen = ImageDraw.Draw(image)
    for thing in scene.things:
        x, y = (side * (value + rng.uniform(-0.04, 0.04)) for value in POSITIONS[thing.place])
        radius = side * SIZES[thing.size] * rng.uniform(0.92, 1.08)
        _draw(pen, thing.shape, x, y, radius, _varied(COLOURS[thing.colour], rng))
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _random_scene(rng: np.random.Generator) -> Scene:
    places = rng.permutation(list(POSITIONS))[: rng.integers(1, 4)]
    things = tuple(
        SceneObject(_pick(SHAPES, rng), _pick(tuple(COLOURS), rng), _pick(tuple(SIZES), rng), str(place))
        for place in places
    )
    return Scene(_pick(tuple(BACKGROUNDS), rng), things)


def _pick(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[rng.integers(len(names))]


def _varied(colour: tuple[int, int, int], rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(np.clip(value + rng.integers(-12, 13), 0, 255)) for value in colour)


def _vague(scene: Scene, rng: np.random.Generator) -> str:
    count = len(scene.things)
    what = f"{COUNT_WORDS[count]} shapes" if count > 1 else "a shape"
    return _pick((f"a picture of {what}", f"{what} on a plain background", f"a drawing of {what}"), rng)


def _shapes_only(scene: Scene, rng: np.random.Generator) -> str:
    named = " and ".join(f"a {thing.shape}" for thing in scene.things[:2])
    return _pick((f"a picture of {named}", named, f"a drawing of {named}"), rng)


def _first_object(scene: Scene, rng: np.random.Generator) -> str:
    thing = scene.things[0]
    return _pick((f"a picture of a {thing.colour} {thing.shape}", f"a {thing.size} {thing.colour} {thing.shape}"), rng)


def _position_of_one(scene: Scene, rng: np.random.Generator) -> str:
    thing = scene.things[rng.integers(len(scene.things))]
    return f"a {thing.colour} {thing.shape} at the {thing.place}"


def _detailed(scene: Scene, rng: np.random.Generator) -> str:
    named = " and ".join(f"a {thing.colour} {thing.shape}" for thing in scene.things)
    return f"{named} on a {scene.background} background" if rng.random() < 0.7 else named


ANNOTATORS: tuple[Callable[[Scene, np.random.Generator], str], ...] = (
    _vague,
    _shapes_only,
    _first_object,
    _position_of_one,
    _detailed,
)


def _draw(pen: ImageDraw.ImageDraw, shape: str, x: float, y: float, r: float, colour: tuple[int, ...]) -> None:
    box = (x - r, y - r, x + r, y + r)
    if shape == "circle":
        pen.ellipse(box, fill=colour)
    elif shape == "ring":
        pen.ellipse(box, outline=colour, width=int(r * 0.4))
    elif shape == "cross":
        arm = r * 0.32
        pen.rectangle((x - arm, y - r, x + arm, y + r), fill=colour)
        pen.rectangle((x - r, y - arm, x + r, y + arm), fill=colour)
    else:
        pen.polygon(_corners(shape, x, y, r), fill=colour)


def _corners(shape: str, x: float, y: float, r: float) -> list[tuple[float, float]]:
    if shape == "square":
        radii, turn = [r * 1.2] * 4, pi / 4
    elif shape == "triangle":
        radii, turn = [r * 1.2] * 3, pi / 2
    else:
        radii, turn = [r * 1.2, r * 0.5] * 5, pi / 2
    step = 2 * pi / len(radii)
    return [(x + d * cos(turn + n * step), y - d * sin(turn + n * step)) for n, d in enumerate(radii)]
