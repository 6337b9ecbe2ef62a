"""Keep pynetdicom from dumping what passes through it.

By default pynetdicom writes every message that it sends or receives into its log, and decodes every identifier for
that alone: patient data, and time. Its switches are globals of one module, so this works on the whole process.
"""

from pynetdicom import _config

__all__ = ["silence_pynetdicom"]


def silence_pynetdicom() -> None:
    """Turn off pynetdicom's own dumps of messages and identifiers.

    Has to run before the association or server is made, because pynetdicom binds its logging handlers there. Safe
    to repeat, from any thread. What the library still logs, `modality_sdk.privacy.tame_dependencies` withholds.
    """
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
