"""The ``modality`` command: one file per sub-command, loaded when it is called."""

from modality_sdk.cli.main import main

__all__ = ["main"]
