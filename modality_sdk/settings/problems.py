"""Turns what pydantic says into our own error, which names the setting as the file writes it."""

from dataclasses import fields, is_dataclass
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import Peer, Quirks, Timeouts, TlsOptions
from modality_sdk.settings.rules import nearest

__all__ = ["translate", "unreadable_variable"]

_SECRETS = ("key", "password", "encryption")
_RULES = {
    "missing": "is required",
    "bool_parsing": "is true or false",
    "bool_type": "is true or false",
    "int_parsing": "is a whole number",
    "int_type": "is a whole number",
    "int_from_float": "is a whole number",
    "float_parsing": "is a number",
    "float_type": "is a number",
    "finite_number": "is a finite number",
    "string_type": "is text",
    "path_type": "is a path",
    "tuple_type": "is a list",
    "dict_type": "is a table",
    "dataclass_type": "is a table",
    "too_long": "has too many values",
}
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def translate(error: ValidationError, settings: type[BaseSettings]) -> ConfigurationError:
    """The first problem as a `ConfigurationError`."""
    # an unknown name first: often it is the misspelling of one that is then missing
    problem = min(error.errors(include_url=False), key=lambda found: found["type"] not in _UNKNOWN)
    location = tuple(str(part) for part in problem["loc"])
    dotted = ".".join(location)
    kind = problem["type"]
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, ConfigurationError):
        field = cause.field
        if dotted and not field.startswith(dotted):  # a value that stands in more than one table knows only its own
            field = f"{dotted}.{field.rpartition('.')[2]}"
        return ConfigurationError(field, cause.rule, _shown(field, cause.value))
    if kind in _UNKNOWN:
        return ConfigurationError(dotted, f"is not a setting{nearest(location[-1], _known(location, settings))}")
    if kind == "missing" and location[-1].isdigit():
        return ConfigurationError(".".join(location[:-1]), "has too few values")
    if kind in ("enum", "literal_error"):
        return ConfigurationError(dotted, f"is {problem['ctx']['expected']}", _shown(dotted, problem["input"]))
    value = None if kind == "missing" else problem["input"]
    return ConfigurationError(dotted, _RULES.get(kind, problem["msg"].lower()), _shown(dotted, value))


def unreadable_variable(error: SettingsError) -> ConfigurationError:
    """The environment holds something that is no value of its setting."""
    # the text is `error parsing value for field "peers" from source "EnvSettingsSource"`
    quoted = str(error).split('"')
    field = quoted[1] if len(quoted) > 2 else "environment"
    return ConfigurationError(field, "the variable of the environment is not JSON; tables are set key by key, with __")


def _shown(field: str, value: Any) -> Any:
    """``value`` if it may and can stand in a message."""
    if field.rpartition(".")[2] in _SECRETS or "-----" in str(value):
        return None
    return value if isinstance(value, (str, int, float, list, tuple)) and len(str(value)) <= 200 else None


def _known(location: tuple[str, ...], settings: type[BaseSettings]) -> list[str]:
    """Names of the settings of the table in which ``location`` ends."""
    if len(location) == 1:
        return list(settings.model_fields)
    if location[0] == "peers":
        tables: dict[str, Any] = {"timeouts": Timeouts, "tls": TlsOptions, "quirks": Quirks}
        return [name for name in _fields(tables.get(location[-2], Peer)) if name != "name"]
    annotation = settings.model_fields[location[0]].annotation
    tables_of = [annotation, *get_args(annotation)]
    return [name for table in tables_of if is_dataclass(table) for name in _fields(table)]


def _fields(table: Any) -> list[str]:
    return [field.name for field in fields(table)]
