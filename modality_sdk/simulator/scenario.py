"""Scenarios: a hospital and its misbehaviour, written down in a TOML file."""

import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

from pydicom import dcmread
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import SopReference
from modality_sdk.simulator.commitment import Commitment
from modality_sdk.simulator.hospital import Hospital
from modality_sdk.simulator.samples import sample_worklist
from modality_sdk.simulator.script import (
    SERVICES,
    Abort,
    Delay,
    LostResponse,
    Malformed,
    Reject,
    Reply,
    Report,
    Script,
    Serve,
    Silence,
    Step,
    Truncate,
    WrongCharacterSet,
)

__all__ = ["Scenario"]

_STEPS: dict[str, type[Step]] = {
    "abort": Abort,
    "delay": Delay,
    "lost-response": LostResponse,
    "malformed": Malformed,
    "reject": Reject,
    "reply": Reply,
    "report": Report,
    "serve": Serve,
    "silence": Silence,
    "truncate": Truncate,
    "wrong-character-set": WrongCharacterSet,
}
_FOREVER = "forever"
_STEPS_SEQUENCE = Tag("ScheduledProcedureStepSequence")
_UNDEFINED = 0xFFFFFFFF
_NAMES = {str: "a text", int: "an integer", float: "a number", bool: "true or false", bytes: "a text"}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What a hospital has scheduled and what it does wrong.

    Attributes
    ----------
    worklist
        ``sample`` for a made-up day, ``empty``, or the paths of DICOM files with one worklist item each.
    commitment
        How the archive reports storage commitment.
    ris, pacs
        Scripts of the two systems.
    """

    worklist: str | tuple[Path, ...] = "sample"
    commitment: Commitment = Commitment.NEW_ASSOCIATION
    ris: tuple[Script, ...] = ()
    pacs: tuple[Script, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a scenario file.

        Parameters
        ----------
        path
            TOML. Top level: ``worklist`` and ``commitment``. ``[[ris.C-FIND]]`` and the like hold the steps of
            one service in their order: ``step`` names it, the other keys are its fields. ``times = "forever"``
            repeats a step for good. Paths are relative to the file's directory.

        Raises
        ------
        ConfigurationError
            The file cannot be read, or a key breaks a rule; the message names both.
        """
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigurationError("scenario", f"cannot be read ({error.strerror})", str(path)) from None
        except RecursionError:
            raise ConfigurationError("scenario", "is a TOML file of moderate nesting", str(path)) from None
        except ValueError as error:
            raise ConfigurationError("scenario", f"is a TOML file ({error})", str(path)) from None
        _known("", found, {"worklist", "commitment", "ris", "pacs"})
        return cls(
            worklist=_worklist(found.get("worklist", "sample"), path.parent),
            commitment=_value("commitment", found.get("commitment", Commitment.NEW_ASSOCIATION.value), Commitment),
            ris=_scripts("ris", found.get("ris", {})),
            pacs=_scripts("pacs", found.get("pacs", {})),
        )

    def items(self, *, station_ae_title: str) -> list[Dataset]:
        """What is scheduled.

        Parameters
        ----------
        station_ae_title
            For whom the sample worklist is.

        Raises
        ------
        ConfigurationError
            A worklist file cannot be read, or is no worklist item.
        """
        if self.worklist == "empty":
            return []
        if isinstance(self.worklist, str):
            today = date.today()  # noqa: DTZ011 - the worklist's dates are local ones
            return sample_worklist(today=today, station_ae_title=station_ae_title)
        return [_item(f"worklist[{index}]", path) for index, path in enumerate(self.worklist)]

    def direct(self, hospital: Hospital) -> None:
        """Hand the scripts to a hospital, and say how its archive reports; its worklist stays as it is."""
        hospital.pacs.commitment = self.commitment
        for provider, scripts in ((hospital.ris, self.ris), (hospital.pacs, self.pacs)):
            for script in scripts:
                provider.misbehaviour.play(script)


def _item(key: str, path: Path) -> Dataset:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(key, f"cannot be read ({error.strerror})", str(path)) from None
    except ValueError:
        raise ConfigurationError(key, "is a path, without NUL", str(path)) from None
    try:
        item = dcmread(BytesIO(content))
        whole = all(map(_is_whole, item.values()))
        # values are read when they are asked for
        steps = [element for element in item.iterall() if element.tag == _STEPS_SEQUENCE]
    except InvalidDicomError:
        raise ConfigurationError(key, "is a DICOM file (PS3.10)", str(path)) from None
    except Exception:  # whatever pydicom makes of a broken file; its message may tell values
        raise ConfigurationError(key, "is a whole and readable DICOM file", str(path)) from None
    if not whole:
        raise ConfigurationError(key, "is a whole and readable DICOM file", str(path))
    if _STEPS_SEQUENCE not in item or not all(element.VR == "SQ" and element.value for element in steps):
        raise ConfigurationError(key, "has a Scheduled Procedure Step Sequence (PS3.4 Table K.6-1)", str(path))
    return item


def _is_whole(element: DataElement | RawDataElement) -> bool:
    if isinstance(element, DataElement) or element.length == _UNDEFINED:
        return True
    return len(element.value or b"") == element.length


def _known(key: str, table: Mapping[str, object], known: set[str]) -> None:
    for name in table:
        if name not in known:
            raise ConfigurationError(f"{key}{name}", f"is unknown here; there are {', '.join(sorted(known))}")


def _worklist(value: object, directory: Path) -> str | tuple[Path, ...]:
    if isinstance(value, list) and all(isinstance(path, str) for path in value):
        return tuple(directory / path for path in value)
    if value in ("sample", "empty"):
        return str(value)
    raise ConfigurationError("worklist", "is 'sample', 'empty' or a list of DICOM files", value)


def _scripts(system: str, table: object) -> tuple[Script, ...]:
    if not isinstance(table, dict):
        raise ConfigurationError(system, "is a table of services")
    _known(f"{system}.", table, set(SERVICES))
    return tuple(_script(f"{system}.{service}", service, steps) for service, steps in table.items())


def _script(key: str, service: str, tables: object) -> Script:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(key, f"is a list of steps, each headed [[{key}]]")
    steps = tuple(_step(f"{key}[{index}]", table) for index, table in enumerate(tables))
    try:
        return Script(service=service, steps=steps)
    except ConfigurationError as error:
        raise ConfigurationError(f"{key.partition('.')[0]}.{error.field}", error.rule, error.value) from None


def _step(key: str, table: dict[str, object]) -> Step:
    kind = table.get("step")
    if not isinstance(kind, str) or kind not in _STEPS:
        raise ConfigurationError(f"{key}.step", f"is one of {', '.join(_STEPS)}", kind)
    made = _STEPS[kind]
    hints = get_type_hints(made)
    names = {field.name for field in fields(made)}
    _known(f"{key}.", table, {"step", *names})
    for field in fields(made):
        if field.default is MISSING and field.default_factory is MISSING and field.name not in table:
            raise ConfigurationError(f"{key}.{field.name}", f"is required of the step {kind}")
    values = {
        name: None if name == "times" and value == _FOREVER else _value(f"{key}.{name}", value, hints[name])
        for name, value in table.items()
        if name != "step"
    }
    try:
        return made(**values)
    except ConfigurationError as error:
        raise ConfigurationError(f"{key}.{error.field.rpartition('.')[2]}", error.rule, error.value) from None


def _value(key: str, value: object, kind: Any) -> Any:
    """Turn a TOML value into one of the type of a step's field."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _value(key, value, next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigurationError(key, "is a list", value)
        return tuple(_value(f"{key}[{index}]", one, arguments[0]) for index, one in enumerate(value))
    if kind is SopReference or origin is Mapping:
        if not isinstance(value, dict):
            raise ConfigurationError(key, "is a table", value)
        if origin is Mapping:
            return {name: _value(f"{key}.{name}", one, arguments[1]) for name, one in value.items()}
        return _reference(key, value)
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ConfigurationError(key, f"is one of {', '.join(kind)}", value)
        return kind(value)
    accepted = (int, float) if kind is float else str if kind is bytes else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ConfigurationError(key, f"is {_NAMES[kind]}", value)
    return value.encode("latin-1", "replace") if isinstance(value, str) and kind is bytes else value


def _reference(key: str, table: dict[str, object]) -> SopReference:
    names = ("sop_class_uid", "sop_instance_uid")
    _known(f"{key}.", table, set(names))
    first, second = (_value(f"{key}.{name}", table.get(name), str) for name in names)
    return SopReference(sop_class_uid=first, sop_instance_uid=second)
