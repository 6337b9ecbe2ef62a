"""Templates of PS3.16 for dose reports of projection radiography and for key objects, as data.

The rows judge; what builds reports has none of them. A template that is included stands in the rows of the one that
includes it. Names are code values of the scheme DCM, or pairs of scheme and value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from modality_sdk.iod.validation.codes import Concept

__all__ = ["DOSE_REPORT", "KEY_OBJECTS", "Facts", "Row"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the conditions of the rows ask about.

    Attributes
    ----------
    title
        Code value of the root's name.
    procedure, device
        Code values of *Procedure reported* and *Acquisition Device Type*; empty where missing.
    sources
        Code values of *Source of Dose Information*.
    unavailable
        Names, as code values, of those of the three *Data Available* items that say No.
    fluoroscopy
        Whether an event is one of fluoroscopy.
    around
        Code values of items in the same container by the code value of their names; empty for other value types.
    """

    title: str = ""
    procedure: str = ""
    device: str = ""
    sources: frozenset[str] = frozenset()
    unavailable: frozenset[str] = frozenset()
    fluoroscopy: bool = False
    around: Mapping[str, str] = field(default_factory=dict)


Test = Callable[[Facts], bool]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a template.

    Attributes
    ----------
    needed
        When it is mandatory: always for M, by its condition for MC, never for U.
    allowed
        When it may be there at all.
    advised
        Systems that read dose reports miss it, though it is optional.
    several
        Whether it may stand more than once.
    groups, codes
        Context groups, and single codes, that the value of a CODE is one of.
    extensible
        Whether other codes are legal.
    """

    name: Concept
    types: tuple[str, ...]
    relationship: str = "CONTAINS"
    needed: Test
    allowed: Test
    advised: bool = False
    several: bool = False
    unit: str = ""
    groups: tuple[int, ...] = ()
    codes: frozenset[Concept] = frozenset()
    extensible: bool = True
    rows: tuple["Row", ...] = ()


def _always(_: Facts) -> bool:
    return True


def _never(_: Facts) -> bool:
    return False


def _concept(name: str | Concept) -> Concept:
    return ("DCM", name) if isinstance(name, str) else name


def _row(
    name: str | Concept,
    types: str,
    usage: str | Test = "U",
    *,
    relationship: str = "CONTAINS",
    allowed: Test = _always,
    advised: bool = False,
    several: bool = False,
    unit: str = "",
    groups: tuple[int, ...] = (),
    codes: tuple[str | Concept, ...] = (),
    extensible: bool = True,
    rows: tuple[Row, ...] = (),
) -> Row:
    needed = usage if callable(usage) else _always if usage == "M" else _never
    return Row(
        name=_concept(name),
        types=tuple(types.split("|")),
        relationship=relationship,
        needed=needed,
        allowed=allowed,
        advised=advised,
        several=several,
        unit=unit,
        groups=groups,
        codes=frozenset(map(_concept, codes)),
        extensible=extensible,
        rows=rows,
    )


_MOD: Final = "HAS CONCEPT MOD"
_CONTEXT: Final = "HAS OBS CONTEXT"
_PROPERTIES: Final = "HAS PROPERTIES"
_FLUOROSCOPY_GUIDED, _INTEGRATED, _CASSETTE = "113957", "113958", "113959"
_MPPS, _COPIED, _COMPUTED = "113858", "113866", "113867"
_DETECTOR, _SOURCE, _MECHANICAL = "113945", "113943", "113944"


def _lacks(*names: str) -> Test:
    return lambda facts: not set(names) <= facts.around.keys()


def _has(name: str) -> Test:
    return lambda facts: name in facts.around


def _observer_is(kind: str) -> Test:
    # a person is the default (TID 1002)
    return lambda facts: facts.around.get("121005", "121006" if "121008" in facts.around else "") == kind


def _scope_is(*scopes: str) -> Test:
    return lambda facts: facts.around.get("113705", "") in scopes


def _projection(facts: Facts) -> bool:
    return facts.procedure == "113704"


def _fluoroscopy_guided(facts: Facts) -> bool:
    return facts.device == _FLUOROSCOPY_GUIDED or (_projection(facts) and not facts.device)


def _integrated(facts: Facts) -> bool:
    return _fluoroscopy_guided(facts) or facts.device == _INTEGRATED


def _cassette(facts: Facts) -> bool:
    return facts.device == _CASSETTE


def _not_only_mpps(facts: Facts) -> bool:
    return bool(facts.sources - {_MPPS})


def _has_events(facts: Facts) -> bool:
    return bool(facts.sources - {_MPPS, _COPIED, _COMPUTED})


def _available(part: str, also: Test = _always) -> Test:
    return lambda facts: part not in facts.unavailable and also(facts)


_LANGUAGE: Final = _row("121049", "CODE", relationship=_MOD)

_OBSERVER: Final = (
    # TID 1002 with 1003 and 1004
    _row("121005", "CODE", relationship=_CONTEXT, several=True, codes=("121006", "121007"), extensible=False),
    _row("121008", "PNAME", _observer_is("121006"), relationship=_CONTEXT, several=True),
    _row("121009", "TEXT", relationship=_CONTEXT, several=True),
    _row("121010", "CODE", relationship=_CONTEXT, several=True, groups=(7452,)),
    _row("121011", "CODE", relationship=_CONTEXT, several=True, groups=(7453,)),
    _row("121012", "UIDREF", _observer_is("121007"), relationship=_CONTEXT, several=True),
    _row("121013", "TEXT", relationship=_CONTEXT, several=True),
    _row("121014", "TEXT", relationship=_CONTEXT, several=True),
    _row("121015", "TEXT", relationship=_CONTEXT, several=True),
    _row("121016", "TEXT", relationship=_CONTEXT, several=True),
    _row("121017", "TEXT", relationship=_CONTEXT, several=True),
    _row("113876", "CODE", relationship=_CONTEXT, several=True, groups=(7445,)),
)
_PARTICIPANT: Final = _row(
    # TID 1020
    "113870",
    "PNAME",
    several=True,
    rows=(
        _row("113875", "CODE", "M", relationship=_PROPERTIES, groups=(7453,)),
        _row("113871", "TEXT", relationship=_PROPERTIES),
        _row("113872", "TEXT", relationship=_PROPERTIES),
        _row("113873", "TEXT", relationship=_PROPERTIES),
        _row("113874", "CODE", relationship=_PROPERTIES, groups=(7452,)),
    ),
)
_DEVICE: Final = _row(
    # TID 1021
    "113876",
    "CODE",
    several=True,
    groups=(7445,),
    rows=(
        _row("113877", "TEXT", relationship=_PROPERTIES),
        _row("113878", "TEXT", "M", relationship=_PROPERTIES),
        _row("113879", "TEXT", "M", relationship=_PROPERTIES),
        _row("113880", "TEXT", "M", relationship=_PROPERTIES),
        _row("121012", "UIDREF", "M", relationship=_PROPERTIES),
    ),
)
_CALIBRATION: Final = _row(
    "122505",
    "CONTAINER",
    several=True,
    rows=(
        _row("113794", "CODE", "M", relationship=_MOD, groups=(10010,)),
        _row("113723", "DATETIME", "M"),
        _row("122322", "NUM", "M", unit="1"),
        _row("113763", "NUM", "M", unit="%"),
        _row("113724", "TEXT", "M"),
        _row("113720", "TEXT"),
    ),
)
_ACCUMULATED: Final = _row(
    # TID 10002 with 10004, 10006 and 10007
    "113702",
    "CONTAINER",
    "M",
    several=True,
    rows=(
        _row("113764", "CODE", "M", relationship=_MOD, codes=("113622", "113620", "113621"), extensible=False),
        _CALIBRATION,
        _row("113722", "NUM", _integrated, allowed=_integrated, unit="Gy.m2"),
        _row(
            "113725",
            "NUM",
            lambda facts: _integrated(facts) and (facts.device == _INTEGRATED or _not_only_mpps(facts)),
            allowed=_integrated,
            unit="Gy",
        ),
        _row("113737", "NUM", allowed=_integrated, unit="mm"),
        _row("113731", "NUM", _available(_DETECTOR, _cassette), unit="1"),
        _row("113780", "CODE|TEXT", _has("113725"), groups=(10025,)),
        *(
            _row(
                name,
                "NUM",
                lambda facts: _fluoroscopy_guided(facts) and facts.fluoroscopy,
                allowed=_fluoroscopy_guided,
                unit=unit,
            )
            for name, unit in (("113726", "Gy.m2"), ("113728", "Gy"), ("113730", "s"))
        ),
        *(
            _row(
                name,
                "NUM",
                lambda facts: _fluoroscopy_guided(facts) and _not_only_mpps(facts),
                allowed=_fluoroscopy_guided,
                unit=unit,
            )
            for name, unit in (("113727", "Gy.m2"), ("113729", "Gy"), ("113855", "s"))
        ),
        _row("113947", "CODE", _available(_DETECTOR, _cassette), allowed=_cassette, groups=(10030,)),
        _DEVICE,
    ),
)
_DETECTOR_ROWS: Final = (
    # TID 10003A
    _row("113845", "NUM", unit="1"),
    _row("113846", "NUM", unit="1"),
    _row("113847", "NUM", unit="1"),
    _row("113795", "IMAGE", several=True),
)
_SOURCE_ROWS: Final = (
    # TID 10003B
    _row(
        "113738",
        "NUM",
        _available(_SOURCE, lambda facts: _projection(facts) and _not_only_mpps(facts)),
        unit="Gy",
    ),
    _row("113780", "CODE|TEXT", _available(_SOURCE, _projection), groups=(10025,)),
    _row("111631", "NUM", unit="mGy"),
    _row("113732", "CODE", codes=("113630", "113631"), extensible=False),
    _row("113791", "NUM", lambda facts: facts.around.get("113732") == "113631", unit="{pulse}/s"),
    _row(
        "113768",
        "NUM",
        _available(_SOURCE, lambda facts: facts.around.get("113732", "113631") == "113631"),
        unit="1",
        rows=(_row("121401", "CODE", relationship=_MOD),),
    ),
    _row("113793", "NUM", several=True, unit="ms"),
    _row("113742", "NUM", unit="s"),
    _row("113733", "NUM", advised=True, several=True, unit="kV"),
    _row("113734", "NUM", _available(_SOURCE, _lacks("113736")), several=True, unit="mA"),
    _row("113824", "NUM", _available(_SOURCE, _lacks("113736")), unit="ms"),
    _row("113767", "NUM", unit="mA"),
    _row("113736", "NUM", _available(_SOURCE, _lacks("113734", "113824")), several=True, unit="uA.s"),
    _row("113766", "NUM", unit="mm"),
    _row("111632", "CODE", groups=(10016,)),
    _row(
        "113771",
        "CONTAINER",
        several=True,
        rows=(
            _row("113772", "CODE", groups=(10007,)),
            _row("113757", "CODE", groups=(10006,)),
            _row("113758", "NUM", unit="mm"),
            _row("113773", "NUM", unit="mm"),
        ),
    ),
    _row("113790", "NUM", unit="m2"),
    _row("113788", "NUM", unit="mm"),
    _row("113789", "NUM", unit="mm"),
    _row("111635", "CODE", several=True, groups=(10017,)),
)
_MECHANICAL_ROWS: Final = (
    # TID 10003C
    _row("113956", "CODE", codes=("113952", "113953", "113954", "113955")),
    *(
        _row(name, "NUM", unit="deg")
        for name in ("112011", "112012", "113739", "113740", "113770", "113754", "113755", "113756")
    ),
    *(
        _row(name, "NUM", unit="mm")
        for name in ("111633", "113748", "113737", "113750", "113751", "113752", "113753", "113792")
    ),
)
_EVENT: Final = _row(
    # TID 10003
    "113706",
    "CONTAINER",
    _has_events,
    several=True,
    rows=(
        _row("113764", "CODE", "M", relationship=_MOD, groups=(10003,), extensible=False),
        _row("113769", "UIDREF", "M"),
        _row(
            "113605",
            "TEXT",
            rows=(_row("113606", "CODE", relationship=_MOD, codes=("113607", "113608", "113609")),),
        ),
        _row("111526", "DATETIME", "M"),
        _row("113721", "CODE", "M", groups=(10002,), extensible=False),
        _row("125203", "TEXT"),
        _row(
            ("SCT", "91723000"),
            "CODE",
            groups=(4009,),
            rows=(_row(("SCT", "272741003"), "CODE", relationship=_MOD, groups=(244,)),),
        ),
        _row(
            "111031",
            "CODE",
            groups=(4010,),
            rows=(_row("111032", "CODE", relationship=_MOD, several=True, groups=(4011,)),),
        ),
        _row("113946", "CODE", groups=(4012,)),
        _row("113745", "CODE", groups=(21,)),
        _row(
            "113743",
            "CODE",
            groups=(19,),
            rows=(_row("113744", "CODE", "M", relationship=_MOD, groups=(20,)),),
        ),
        _row("123014", "CODE", "M", groups=(4031,)),
        _row("122130", "NUM", _projection, allowed=_projection, unit="Gy.m2"),
        _row("111634", "NUM", unit="mm"),
        _row("111638", "NUM", unit="mm"),
        _row("111636", "NUM", unit="mGy"),
        _row("121106", "TEXT"),
        _PARTICIPANT,
        *_DETECTOR_ROWS,
        *_SOURCE_ROWS,
        *_MECHANICAL_ROWS,
        _DEVICE,
    ),
)
DOSE_REPORT: Final = _row(
    # TID 10001
    "113701",
    "CONTAINER",
    "M",
    rows=(
        _LANGUAGE,
        _row(
            "121058",
            "CODE",
            "M",
            relationship=_MOD,
            codes=("113704", ("SCT", "71651007")),
            extensible=False,
            rows=(_row(("SCT", "363703001"), "CODE", "M", relationship=_MOD, groups=(3629,)),),
        ),
        _row(
            "122142",
            "CODE",
            advised=True,
            codes=(_FLUOROSCOPY_GUIDED, _INTEGRATED, _CASSETTE),
            extensible=False,
        ),
        *_OBSERVER,
        _row(
            "113705",
            "CODE",
            "M",
            relationship=_CONTEXT,
            codes=("113014", "113015", "113016", "113970", "113852"),
            extensible=False,
            rows=tuple(
                _row(name, "UIDREF", _scope_is(*scopes), allowed=_scope_is(*scopes), relationship=_PROPERTIES)
                for name, scopes in (
                    ("110180", ("113014",)),
                    ("112002", ("113015",)),
                    ("121126", ("113016", "113970")),
                    ("113853", ("113852",)),
                )
            ),
        ),
        *(_row(part, "CODE", groups=(231,), extensible=False) for part in (_DETECTOR, _SOURCE, _MECHANICAL)),
        _ACCUMULATED,
        _EVENT,
        _row("121106", "TEXT"),
        _row("121342", "IMAGE", several=True),
        _PARTICIPANT,
        _row("113854", "CODE", "M", several=True, groups=(10020,), extensible=False),
    ),
)

_REASONED: Final = frozenset({"113001", "113010"})
KEY_OBJECTS: Final = _row(
    # TID 2010; its references have no names and are judged apart
    "",
    "CONTAINER",
    "M",
    rows=(
        _LANGUAGE,
        _row(
            "113011",
            "CODE",
            lambda facts: facts.title in _REASONED or facts.title == "113013",
            relationship=_MOD,
            several=True,
        ),
        *_OBSERVER,
        _row("113012", "TEXT"),
    ),
)
