"""What a site configures, checked as a whole before anything is opened."""

import logging
import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from modality_sdk.errors import ConfigurationError
from modality_sdk.model import (
    CommitmentPolicy,
    Detector,
    Equipment,
    JournalPolicy,
    ListenerOptions,
    Peer,
    PoolLimits,
    RetentionPolicy,
    RetryPolicy,
    SendPolicy,
    Timeouts,
    TlsOptions,
)
from modality_sdk.settings import problems, raw, rules
from modality_sdk.settings.encryption import Encryption, refuse_pasted_key
from modality_sdk.uid import IMPLEMENTATION_CLASS_UID

__all__ = ["CONFIG_VARIABLE", "DEFAULT_FILE", "Listen", "Settings"]

_log = logging.getLogger("modality_sdk.settings")

CONFIG_VARIABLE = "MODALITY_CONFIG"
"""Names the configuration file."""
DEFAULT_FILE = Path("modality.toml")
"""Read when nothing else is named."""
_PREFIX = "MODALITY_"
_DATA_DIR = Path("modality-data")

Names = Annotated[tuple[str, ...], NoDecode]


@dataclass(frozen=True, kw_only=True)
class Listen:
    """The table ``[listen]``: where peers call us back.

    Attributes
    ----------
    port
        0 lets the operating system choose.
    tls
        Whether the listener speaks TLS, with the certificate of ``[tls]``.
    """

    host: str = "0.0.0.0"  # noqa: S104 - peers call back from other machines
    port: int = 11112
    maximum_associations: int = 32
    tls: bool = False

    def __post_init__(self) -> None:
        if self.maximum_associations < 1:
            raise ConfigurationError("listen.maximum_associations", "must be at least 1", self.maximum_associations)


class _Environment(EnvSettingsSource):
    """The environment, with names spelled as in what takes precedence over it."""

    def __call__(self) -> dict[str, Any]:
        return raw.aligned(super().__call__(), self.current_state)


class Settings(BaseSettings):
    """The settings of one modality.

    `load` reads them from a file and the environment; the constructor takes them as keywords, the names being those
    of the file, and fills in from the environment what is left out. Every value is checked, roles against the peers.

    Raises
    ------
    ConfigurationError
        A rule is broken or a name is unknown; the message names the setting as the file writes it.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
    )

    ae_title: str
    station_name: str = ""
    institution: str = ""
    manufacturer: str = ""
    model: str = ""
    serial_number: str = ""
    software_versions: Names = ()
    modality: str = "DX"
    uid_root: str = ""
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    data_dir: Path = _DATA_DIR
    worklist: str = ""
    mpps: Names = ()
    storage: Names = ()
    dose: Names = ()
    query_retrieve: str = ""
    printing: str = ""
    log_identifiers: bool = False
    listen: Listen = Field(default_factory=Listen)
    detector: Detector | None = None
    retry: RetryPolicy = Field(default_factory=RetryPolicy)
    commitment: CommitmentPolicy = Field(default_factory=CommitmentPolicy)
    journal: JournalPolicy = Field(default_factory=JournalPolicy)
    pool: PoolLimits = Field(default_factory=PoolLimits)
    send: SendPolicy = Field(default_factory=SendPolicy)
    retention: RetentionPolicy = Field(default_factory=RetentionPolicy)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    tls: TlsOptions | None = None
    encryption: Encryption | None = None
    peers: dict[str, Peer] = Field(default_factory=dict)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            cause = problems.translate(error, type(self))
        except SettingsError as error:
            cause = problems.unreadable_variable(error)
        else:
            return
        raise cause  # outside the handler: pydantic's text may repeat a secret

    @classmethod
    def load(cls, path: Path | str | None = None) -> Self:
        """Read the configuration file, then the environment, which wins.

        Parameters
        ----------
        path
            The file; that of ``MODALITY_CONFIG``, else ``modality.toml`` of the working directory, when None.
            Relative paths in it are relative to its own directory.

        Raises
        ------
        ConfigurationError
            The file is missing or malformed, or a value breaks a rule.
        """
        file = Path(path or os.environ.get(CONFIG_VARIABLE) or DEFAULT_FILE).expanduser()
        values = {"data_dir": str(_DATA_DIR)} | _read_toml(file)
        refuse_pasted_key(values.get("encryption"))
        raw.anchor_paths(values, file.absolute().parent)
        cls._warn_of_unknown_variables()
        try:
            environment = EnvSettingsSource(cls)()
        except SettingsError as error:
            cause = problems.unreadable_variable(error)
        else:
            return cls(**raw.overlay(values, environment))
        raise cause

    @classmethod
    def _warn_of_unknown_variables(cls) -> None:
        # not an error: a container platform sets variables of its own that begin with a service's name
        for variable in os.environ:
            name = variable.upper().removeprefix(_PREFIX).partition("__")[0].lower()
            if variable.upper().startswith(_PREFIX) and name not in cls.model_fields and variable != CONFIG_VARIABLE:
                _log.warning("environment: %s is no setting%s", variable, rules.nearest(name, cls.model_fields))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keywords before the environment; no other source."""
        del env_settings, dotenv_settings, file_secret_settings
        return init_settings, _Environment(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, values: dict[str, Any]) -> dict[str, Any]:
        return raw.prepare(values)

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        # a journal must not move when the working directory does
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _check(self) -> Self:
        rules.check_equipment(self.equipment, self.modality)
        rules.check_uid_root(self.uid_root)
        rules.check_uid("implementation_class_uid", self.implementation_class_uid)
        rules.check_peers(self.peers)
        rules.check_tls("tls", self.tls)
        if self.detector is not None:
            rules.check_detector(self.detector)
        for role in ("worklist", "mpps", "storage", "dose", "query_retrieve", "printing"):
            rules.check_role(role, getattr(self, role), self.peers)
        _ = self.listener_options
        return self

    def __repr__(self) -> str:
        return f"Settings(ae_title={self.ae_title!r}, peers={sorted(self.peers)!r}, …)"

    __str__ = __repr__

    def peer(self, name: str) -> Peer:
        """The configured peer of that name.

        Raises
        ------
        ConfigurationError
            There is none; the message names the nearest.
        """
        rules.check_role("peer", name, self.peers)
        if name not in self.peers:
            raise ConfigurationError("peer", "needs the name of a configured peer")
        return self.peers[name]

    @property
    def equipment(self) -> Equipment:
        """The device, as objects describe it."""
        return Equipment(
            manufacturer=self.manufacturer,
            manufacturer_model_name=self.model,
            device_serial_number=self.serial_number,
            software_versions=self.software_versions,
            station_name=self.station_name,
            institution_name=self.institution,
        )

    @property
    def listener_options(self) -> ListenerOptions:
        """Where and as whom to accept associations."""
        return ListenerOptions(
            ae_title=self.ae_title,
            host=self.listen.host,
            port=self.listen.port,
            maximum_associations=self.listen.maximum_associations,
            tls=(self.tls or TlsOptions()) if self.listen.tls else None,
        )

    @property
    def detector_default(self) -> Detector | None:
        """The detector of acquisitions that name none; None when the file has no ``[detector]``."""
        return self.detector

    def check_data_dir(self) -> None:
        """Make sure that the data directory, made if need be, takes files.

        Raises
        ------
        ConfigurationError
            It cannot be made or written to; the operating system's reason stands in the message.
        """
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.data_dir):
                pass
        except OSError as error:
            rule = f"must be a directory that can be written to ({error.strerror})"
            raise ConfigurationError("data_dir", rule, str(self.data_dir)) from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        # editors on Windows put a byte order mark in front, which TOML does not know
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        rule = f"cannot be read ({error.strerror}); `modality init` writes one, {CONFIG_VARIABLE} names another"
        raise ConfigurationError(str(file), rule) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(file), f"is not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(file), f"is not UTF-8 at byte {error.start}") from None
