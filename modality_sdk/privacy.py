"""Keep the libraries below from telling who the patient is.

The SDK's own loggers, exceptions and events name UIDs, AE titles and statuses, never a patient. pynetdicom, pydicom,
highdicom and Pillow know no such rule: they log data sets, bad values and text chunks, and warn with the value in the
message. `tame_dependencies` closes both ways for the whole process.

Covered
    Every record of their loggers, at every level, with its traceback. The loggers are switched off; whatever comes
    from them all the same, because a program gave one a level of its own, has its text withheld, while its logger,
    level and place in the source remain.
    Their warnings of the category `UserWarning`. Deprecations still show: they speak of code, not of values.

Not covered
    Exceptions of these libraries that a program prints itself; warning filters that a program puts in front of ours
    afterwards, ``warnings.simplefilter("always")``; what pynetdicom does before it logs, which
    `modality_sdk.network.quiet` turns off.
"""

import logging
import warnings
from collections.abc import Callable

import pydicom.config  # noqa: F401 - it sets its logger's level when imported, so it has to come first

__all__ = ["tame_dependencies"]

_LIBRARIES = ("pynetdicom", "pydicom", "highdicom", "PIL")
_OFF = logging.CRITICAL + 1
_WITHHELD = "text withheld, it may name a patient"

_security = logging.getLogger("modality_sdk.security")


def tame_dependencies(*, log_identifiers: bool = False) -> None:
    """Let nothing that identifies a patient out of the logs and warnings of the libraries below.

    Works on the whole process, so these libraries fall silent for the rest of the program too, and stay so: of two
    callers that disagree the one that asks for privacy gets it. Safe to repeat.

    Parameters
    ----------
    log_identifiers
        Leave the libraries as they are, for a search where no real patient is. Each such call is logged as a
        WARNING by ``modality_sdk.security``.
    """
    if log_identifiers:
        _security.warning("log_identifiers is on: logs and warnings may name patients")
        return
    before = logging.getLogRecordFactory()
    if not isinstance(before, _Withholding):
        logging.setLogRecordFactory(_Withholding(before))
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(_OFF)
        warnings.filterwarnings("ignore", category=UserWarning, module=rf"{library}(\.|$)")
    # highdicom blames its caller for this one, which may be any module
    warnings.filterwarnings("ignore", message=r'The string ".*" is unlikely to represent', category=UserWarning)


class _Withholding:
    """A factory of log records that empties those of the libraries.

    A filter would not do: one on a logger does not see the records of the loggers below it, and the handlers belong
    to the program.
    """

    def __init__(self, before: Callable[..., logging.LogRecord]) -> None:
        self._before = before

    def __call__(self, *args: object, **kwargs: object) -> logging.LogRecord:
        record = self._before(*args, **kwargs)
        if record.name.partition(".")[0] in _LIBRARIES:
            record.msg, record.args = _WITHHELD, ()
            record.exc_info = record.exc_text = record.stack_info = None
        return record
