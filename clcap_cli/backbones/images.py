"""Image files of any kind -> upright RGB pictures."""

from pathlib import Path

from PIL import Image, ImageOps

from clcap_cli.errors import ClcapError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})


class UnreadableImageError(ClcapError):
    """An image file that is missing or damaged."""


def open_rgb(path: Path) -> Image.Image:
    """Read an image, turn it upright as its EXIF says, and make it RGB; transparency becomes white.

    Raises UnreadableImageError when it is missing, damaged or cut short.
    """
    try:
        with Image.open(path) as image:
            return _rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError as error:
        raise UnreadableImageError(f"no such image: {path}") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = str(error).splitlines()[0].replace(f" '{path}'", "")
        raise UnreadableImageError(f"{path} is not a readable image: {reason}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def find_image(folders: list[Path], file_name: str) -> Path:
    """The file called ``file_name`` (which may hold folders) in one of ``folders``.

    Raises ClcapError when the name leads out of the folder or stands in two of them, UnreadableImageError when it
    stands in none.
    """
    found = [folder / file_name for folder in folders if (folder / file_name).is_file()]
    for folder in folders:
        if not (folder / file_name).resolve().is_relative_to(folder.resolve()) and ".." in Path(file_name).parts:
            raise ClcapError(f"the image name '{file_name}' leads out of its folder {folder}")
    if Path(file_name).is_absolute():
        raise ClcapError(f"the image name '{file_name}' is not relative to the images' folder")
    if len(found) > 1:
        raise ClcapError(f"there are two images '{file_name}': {found[0]} and {found[1]}; give one folder less")
    if not found:
        raise UnreadableImageError(f"no such image: '{file_name}' is not in {', '.join(map(str, folders))}")
    return found[0]
