"""The files of the objects: written once, whole, and never overwritten."""

import hashlib
import logging
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from uuid import uuid4

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    PYDICOM_IMPLEMENTATION_UID,
    UID,
    ExplicitVRLittleEndian,
)

from modality_sdk.crashpoints import reached
from modality_sdk.errors import InvalidValue, QueueCorrupt, QueueError, QueueFull, StateError
from modality_sdk.journal import durable
from modality_sdk.journal.encoding import Digesting, digest_of, encode, native
from modality_sdk.journal.records import SpoolFile
from modality_sdk.journal.rendition import FileRendition, check_uid
from modality_sdk.journal.sealing import PLAIN, Seal
from modality_sdk.model import Rendition, SopReference

__all__ = ["Spool"]

_log = logging.getLogger("modality_sdk.journal")

_UNFINISHED = ".part"
_MARK = "-"


class Spool:
    """Part 10 files under ``root``, in 256 directories, each named by its SOP Instance UID, plain or sealed.

    Sizes, offsets and digests are always those of the plain file.

    Parameters
    ----------
    root
        Directory of the files.
    orphans
        Where files go that the journal does not know: an image of an exposed patient is never deleted.
    implementation_class_uid, implementation_version_name
        Of the file meta information (PS3.10 section 7.1); pydicom's class UID when None.
    seal
        What the files are written and read through.
    """

    def __init__(
        self,
        root: Path,
        *,
        orphans: Path,
        implementation_class_uid: str | None = None,
        implementation_version_name: str = "MODALITY_SDK",
        seal: Seal = PLAIN,
    ) -> None:
        self.root = root
        self._orphans = orphans
        self._seal = seal
        self._class_uid = UID(
            check_uid("ImplementationClassUID", implementation_class_uid or str(PYDICOM_IMPLEMENTATION_UID))
        )
        if not 1 <= len(implementation_version_name) <= 16:
            raise InvalidValue("ImplementationVersionName", "has 1 to 16 characters (PS3.10 section 7.1)")
        self._version_name = implementation_version_name

    @property
    def sealed(self) -> bool:
        """Whether the files are encrypted: then `open` reads them, nothing else does."""
        return self._seal is not PLAIN

    def write(self, dataset: Dataset) -> SpoolFile:
        """Write an object durably as Explicit VR Little Endian; ``dataset`` is not changed.

        The digest is taken on the way, and the pixel data is not copied. After an error nothing of it is left.

        Raises
        ------
        InvalidValue
            When the SOP UIDs are missing or malformed, the pixels are compressed, or a value cannot be encoded.
        StateError
            When there is a file of this SOP Instance UID already.
        QueueFull
            When the disk is full.
        QueueError
            When the disk does not take it for another reason.
        """
        sop = SopReference(
            sop_class_uid=check_uid("SOPClassUID", dataset.get("SOPClassUID")),
            sop_instance_uid=check_uid("SOPInstanceUID", dataset.get("SOPInstanceUID")),
        )
        content = native(dataset)
        path = self._path_of(sop.sop_instance_uid)
        target = self.root / path
        temporary = target.with_name(f"{target.name}.{uuid4().hex}{_UNFINISHED}")
        if target.exists():
            raise self._present(sop)
        try:
            durable.make_directory(target.parent)
            with durable.create(temporary) as file, Digesting(self._seal.write(file, sop.sop_instance_uid)) as output:
                reached("before write object")
                offset = encode(content, self._meta(sop), output)
                output.finish()
                reached("after write object")
                durable.flush(file)
            durable.publish(temporary, target)
        except FileExistsError:
            raise self._present(sop) from None
        except OSError as error:
            # it may have its name already, and only the directory could not be flushed
            _remove_if_possible(target)
            reason = error.strerror or type(error).__name__
            if error.errno in durable.FULL:
                raise QueueFull(f"the spool's file system takes no more: {reason}") from error
            raise QueueError(f"the spool cannot be written: {reason}") from error
        finally:
            _remove_if_possible(temporary)
        return SpoolFile(
            path=str(path),
            size=output.length - offset,
            offset=offset,
            transfer_syntax_uid=str(ExplicitVRLittleEndian),
            sha256=output.hexdigest(),
        )

    def absolute(self, file: SpoolFile) -> Path:
        """Where the file lies.

        Raises
        ------
        QueueCorrupt
            When its path leads out of the spool.
        """
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise QueueCorrupt("the journal names a file outside of its spool")
        return self.root / path

    def rendition(self, sop: SopReference, file: SpoolFile) -> Rendition:
        """The object as it lies in the spool, to be sent."""
        return FileRendition(
            path=self.absolute(file),
            sop=sop,
            transfer_syntax_uid=file.transfer_syntax_uid,
            size=file.size,
            offset=file.offset,
            seal=self._seal,
        )

    def verify(self, sop: SopReference, file: SpoolFile) -> None:
        """Compare a file with the digest that was taken when it was written; reads it piece by piece.

        Raises
        ------
        QueueCorrupt
            When the file is gone, cannot be read, or is not what was written.
        """
        try:
            with self.open_file(sop, file) as content:
                digest = digest_of(content)
        except OSError as error:
            what = "is gone" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        except (StateError, QueueCorrupt):
            what = "is damaged"
        else:
            if digest == file.sha256:
                return
            what = "is damaged: its digest is not the one it was written with"
        raise QueueCorrupt(f"the spool's file of {sop.sop_instance_uid} {what}; restore {file.path}, then retry")

    def unknown(self, known: Collection[str]) -> list[Path]:
        """Finished files that are not ``known`` (relative paths), in the order in which they were written."""
        found = [self.root / path for path in self._files() if not path.endswith(_UNFINISHED) and path not in known]
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def open_file(self, sop: SopReference, file: SpoolFile) -> BinaryIO:
        """Open the object's Part 10 file (PS3.10 section 7) for reading, plain in any case; the caller closes it.

        Raises
        ------
        StateError, QueueCorrupt
            When the file has another length than it had. One that is sealed raises `QueueCorrupt`, here or in reading,
            when it is damaged, another object's, or sealed with another key.
        OSError
            When it cannot be read.
        """
        return self._seal.read(self.absolute(file), sop.sop_instance_uid, file.offset + file.size)

    def orphans(self) -> list[Path]:
        """Files that were found in the spool and that the journal does not know, by name."""
        return sorted(path for path in self._orphans.rglob("*") if path.is_file()) if self._orphans.exists() else []

    def open_orphan(self, path: Path) -> BinaryIO:
        """Open a file that the journal does not know to read its plain Part 10 file; the caller closes it.

        Raises
        ------
        QueueCorrupt
            When it is sealed and damaged, or with another key; here or in reading.
        OSError
            When it cannot be read.
        """
        # a second file of one name is set aside with a mark behind the UID
        if path.suffix != self._seal.suffix:
            raise QueueCorrupt(f"{path.name} is not sealed as this journal is")
        return self._seal.read(path, path.stem.partition(_MARK)[0], self._seal.length(path))

    def discard(self, file: SpoolFile) -> bool:
        """Remove a file, durably; returns whether it was there."""
        path = self.absolute(file)
        if not path.exists():
            return False
        durable.remove(path)
        return True

    def tidy(self, known: Collection[str], purged: Collection[str] = ()) -> None:
        """Remove unfinished and ``purged`` files, move those that are not ``known`` to the orphans (relative paths).

        Only while nobody else has the journal open: a file is there before its transaction is.
        """
        unfinished = orphaned = 0
        for path in list(self._files()):
            if path.endswith(_UNFINISHED):
                durable.remove(self.root / path)
                unfinished += 1
            elif path in purged:
                with suppress(PermissionError):  # open elsewhere on Windows: the next opening or purge
                    durable.remove(self.root / path)
            elif path not in known:
                self.set_aside(self.root / path)
                orphaned += 1
        if unfinished:
            _log.info("%d unfinished files removed from the spool", unfinished)
        if orphaned:
            _log.warning("%d files that the journal does not know moved to %s", orphaned, self._orphans)

    def set_aside(self, path: Path) -> Path:
        """Move a file to the orphans, durably, under a name that is free there; returns where it lies now."""
        durable.make_directory(self._orphans)
        target = self._orphans / path.name
        if target.exists():
            target = self._orphans / f"{path.stem}{_MARK}{uuid4().hex}{path.suffix}"
        durable.move(path, target)
        return target

    def _files(self) -> Iterator[str]:
        """Relative paths as the journal keeps them; as text, since a `Path` for each costs seconds in a large spool."""
        for directory, _, names in os.walk(self.root):
            within = directory[len(os.fspath(self.root)) + 1 :].replace(os.sep, "/")
            yield from (f"{within}/{name}" if within else name for name in names)

    def _path_of(self, sop_instance_uid: str) -> PurePosixPath:
        # hashed, since UIDs of one device differ in their last digits only; one level, since a new directory costs
        # flushes when an image comes, and a look when the journal is opened
        fan = hashlib.sha256(sop_instance_uid.encode("ascii")).hexdigest()
        return PurePosixPath(fan[:2], f"{sop_instance_uid}{self._seal.suffix}")

    @staticmethod
    def _present(sop: SopReference) -> StateError:
        return StateError(f"the spool holds {sop.sop_instance_uid} already; a SOP Instance UID is used once")

    def _meta(self, sop: SopReference) -> FileMetaDataset:
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = UID(sop.sop_class_uid)
        meta.MediaStorageSOPInstanceUID = UID(sop.sop_instance_uid)
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.ImplementationClassUID = self._class_uid
        meta.ImplementationVersionName = self._version_name
        return meta


def _remove_if_possible(path: Path) -> None:
    """Clean up after an error that counts more than what this one meets; what stays is found at the next opening."""
    with suppress(OSError):
        durable.remove(path)
