"""The differences between two backbones as the options of extract-features that choose them."""

from clcap_cli.artifacts.feature_info import BackboneInfo

OPTIONS = {"name": "--backbone", "image_size": "--image-size"}


def as_options(before: BackboneInfo, now: BackboneInfo) -> list[str]:
    """The options with different values; the names of other fields only if no option differs."""
    different = before.differences(now)
    options = [_pair(before, now, name, option) for name, option in OPTIONS.items() if name in different]
    if "weights_id" in different and "name" not in different:  # another network always has other weights
        options.append(f"{_weights(before)}, here {_weights(now)}")
    return options or [_pair(before, now, name, name) for name in different]


def _pair(before: BackboneInfo, now: BackboneInfo, name: str, shown: str) -> str:
    return f"{shown} {getattr(before, name)}, here {shown} {getattr(now, name)}"


def _weights(info: BackboneInfo) -> str:
    return f"{info.weights} weights with id {info.weights_id}"
