"""A hospital in a box: an information system and an archive that an acquisition modality can be tried against."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

from pydicom.dataset import Dataset

from modality_sdk.simulator.commitment import Commitment
from modality_sdk.simulator.pacs import Pacs
from modality_sdk.simulator.ris import Ris
from modality_sdk.simulator.samples import sample_worklist

__all__ = ["Hospital"]


class Hospital:
    """RIS and PACS together, each at its own port.

    Parameters
    ----------
    worklist
        What is scheduled; `sample_worklist` of today for ``station_ae_title`` when None.
    host
        Address to bind.
    ris_port, pacs_port
        0 lets the operating system choose.
    ris_ae_title, pacs_ae_title
        AE titles.
    store_dir
        Where the archive keeps its objects, see `Pacs`.
    commitment
        How the archive reports storage commitment.
    station_ae_title
        For whom the sample worklist is scheduled.

    Examples
    --------
    >>> with Hospital() as hospital:
    ...     hospital.pacs.register("XRAY1", "127.0.0.1", 11112)
    ...     hospital.ris.refuse("N-CREATE", 0x0110, times=1)
    """

    def __init__(
        self,
        *,
        worklist: Sequence[Dataset] | None = None,
        host: str = "127.0.0.1",
        ris_port: int = 0,
        pacs_port: int = 0,
        ris_ae_title: str = "RIS",
        pacs_ae_title: str = "PACS",
        store_dir: Path | None = None,
        commitment: Commitment = Commitment.NEW_ASSOCIATION,
        station_ae_title: str = "XRAY1",
    ) -> None:
        if worklist is None:
            today = date.today()  # noqa: DTZ011 - the worklist's dates are local ones
            worklist = sample_worklist(today=today, station_ae_title=station_ae_title)
        self.ris = Ris(worklist, ae_title=ris_ae_title, host=host, port=ris_port)
        self.pacs = Pacs(ae_title=pacs_ae_title, host=host, port=pacs_port, store_dir=store_dir, commitment=commitment)

    def open(self) -> Self:
        """Start both systems.

        Raises
        ------
        ConfigurationError
            When a port is in use; nothing is left open then.
        """
        self.ris.open()
        try:
            self.pacs.open()
        except BaseException:
            self.ris.close()
            raise
        return self

    def close(self) -> None:
        """Stop both systems; no thread, socket or own file is left behind."""
        self.ris.close()
        self.pacs.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
