"""The configuration: a TOML file and the environment, read here alone and handed on as plain values."""

from modality_sdk.settings.encryption import Encryption, write_key_file
from modality_sdk.settings.peers import parse_peer
from modality_sdk.settings.settings import CONFIG_VARIABLE, DEFAULT_FILE, Listen, Settings
from modality_sdk.settings.template import template, write_template

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_FILE",
    "Encryption",
    "Listen",
    "Settings",
    "parse_peer",
    "template",
    "write_key_file",
    "write_template",
]
