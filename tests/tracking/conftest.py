"""Imports the module that sets variables of MLflow before a test imports MLflow itself."""

import clcap_cli.tracking.mlflow  # noqa: F401
