"""``python -m modality_sdk.cli`` is the command ``modality``."""

from modality_sdk.cli.main import main

main()
