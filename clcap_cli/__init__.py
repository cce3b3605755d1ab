"""clcap: image captioners whose captions tell images apart, as pipeline stages over files."""

__version__ = "0.1.0"
