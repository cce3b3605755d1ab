"""Scenes: a small generated dataset of coloured shapes with known content.

A scene is a background with one to three objects, each with a shape, a colour, a size and a position. Five annotators
describe it. They mention different objects, and often only a few, so that the safest caption is a vague one. Maximum
likelihood learns to generate such captions, and contrastive learning has to overcome this.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import cos, perm, pi, sin

import numpy as np
from PIL import Image, ImageDraw

SIDE = 96
"""Width and height of the images in pixels."""
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
    position: str


@dataclass(frozen=True)
class Scene:
    """The content of one image; annotators mention the first object first."""

    background: str
    objects: tuple[SceneObject, ...]


def random_scenes(count: int, colours: int, objects: int, rng: np.random.Generator) -> list[Scene]:
    """Generate ``count`` of the ``number_of_scenes`` different scenes of up to ``objects`` objects in some colours."""
    scenes: dict[Scene, None] = {}
    used = _distinct_colours(colours)
    while len(scenes) < count:
        scenes[_random_scene(used, objects, rng)] = None
    return list(scenes)


def number_of_scenes(colours: int, objects: int) -> int:
    """The number of different scenes of up to ``objects`` objects in ``colours`` colours."""
    kinds = len(SHAPES) * colours * len(SIZES)
    return len(BACKGROUNDS) * sum(perm(len(POSITIONS), count) * kinds**count for count in range(1, objects + 1))


def describe(scene: Scene, rng: np.random.Generator) -> list[str]:
    """The captions of the five annotators."""
    return [annotator(scene, rng) for annotator in ANNOTATORS]


def render(scene: Scene, rng: np.random.Generator) -> Image.Image:
    """Draw the scene as an image, with small random changes of positions, sizes and colours."""
    scale = 4  # drawn larger and scaled down for smooth edges
    side = SIDE * scale
    image = Image.new("RGB", (side, side), _varied(BACKGROUNDS[scene.background], rng))
    pen = ImageDraw.Draw(image)
    for item in scene.objects:
        x, y = (side * (value + rng.uniform(-0.04, 0.04)) for value in POSITIONS[item.position])
        radius = side * SIZES[item.size] * rng.uniform(0.92, 1.08)
        _draw(pen, item.shape, x, y, radius, _varied(COLOURS[item.colour], rng))
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _distinct_colours(count: int) -> tuple[str, ...]:
    """Names of colours that are far apart in the order of the rainbow."""
    return tuple(COLOURS)[:: len(COLOURS) // count][:count]


def _random_scene(colours: tuple[str, ...], objects: int, rng: np.random.Generator) -> Scene:
    positions = rng.permutation(list(POSITIONS))[: rng.integers(1, objects + 1)]
    drawn = tuple(
        SceneObject(_pick(SHAPES, rng), _pick(colours, rng), _pick(tuple(SIZES), rng), str(position))
        for position in positions
    )
    return Scene(_pick(tuple(BACKGROUNDS), rng), drawn)


def _pick(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[rng.integers(len(names))]


def _varied(colour: tuple[int, int, int], rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(np.clip(value + rng.integers(-12, 13), 0, 255)) for value in colour)


def _vague(scene: Scene, rng: np.random.Generator) -> str:
    count = len(scene.objects)
    shapes = f"{COUNT_WORDS[count]} shapes" if count > 1 else "a shape"
    return _pick((f"a picture of {shapes}", f"{shapes} on a plain background", f"a drawing of {shapes}"), rng)


def _shapes_only(scene: Scene, rng: np.random.Generator) -> str:
    named = _counted(item.shape for item in scene.objects[:2])
    return _pick((f"a picture of {named}", named, f"a drawing of {named}"), rng)


def _first_object(scene: Scene, rng: np.random.Generator) -> str:
    item = scene.objects[0]
    named = f"{item.colour} {item.shape}"
    return _pick((f"a picture of {_counted([named])}", f"a {item.size} {named}"), rng)


def _position_of_one(scene: Scene, rng: np.random.Generator) -> str:
    item = scene.objects[rng.integers(len(scene.objects))]
    place = f"{'in' if item.position == 'middle' else 'at'} the {item.position}"
    return f"{_counted([f'{item.colour} {item.shape}'])} {place}"


def _detailed(scene: Scene, rng: np.random.Generator) -> str:
    named = _counted(f"{item.colour} {item.shape}" for item in scene.objects)
    return f"{named} on a {scene.background} background" if rng.random() < 0.7 else named


def _counted(names: Iterable[str]) -> str:
    """The names with their number: "two stars and an orange ring"."""
    return " and ".join(_with_number(name, number) for name, number in Counter(names).items())


def _with_number(name: str, number: int) -> str:
    if number == 1:
        return f"{'an' if name.startswith('orange') else 'a'} {name}"
    return f"{COUNT_WORDS[number]} {name}{'es' if name.endswith('s') else 's'}"


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
