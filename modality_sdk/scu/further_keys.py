"""What a worklist made of the keys it was asked by: which ones it returned, which it evidently ignored."""

from collections.abc import Collection, Iterator

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag

from modality_sdk.dataset.reading import Reader
from modality_sdk.model import WorklistQuery
from modality_sdk.scu.matching import name_matches, text_matches

__all__ = ["asked_keys", "returned_keys", "unmatched_further_keys"]

_DESCRIBING = ("SpecificCharacterSet", "TimezoneOffsetFromUTC")
_TEXT = ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT")


def asked_keys(identifier: Dataset) -> tuple[str, ...]:
    """The attributes that an identifier asks for, by keyword, below a sequence as ``Sequence.Attribute``."""
    return tuple(_paths(identifier, ""))


def _paths(keys: Dataset, prefix: str) -> Iterator[str]:
    for element in keys:
        keyword = keyword_for_tag(element.tag)
        if element.VR == "SQ" and element.value and len(element.value[0]):
            yield from _paths(element.value[0], f"{prefix}{keyword}.")
        elif keyword not in _DESCRIBING:
            yield prefix + keyword


def returned_keys(asked: Collection[str], answer: Dataset) -> set[str]:
    """Those of ``asked`` that an answer holds, be it with zero length; a sequence without items tells of none in it."""
    root = Reader(answer, report=_ignore)
    found = set()
    for path in asked:
        *sequences, keyword = path.split(".")
        levels = [root]
        for name in sequences:
            inner = [item for level in levels for item in level.items(name)]
            if not inner and any(name in level for level in levels):
                found.add(path)
            levels = inner
        if any(keyword in level for level in levels):
            found.add(path)
    return found


def unmatched_further_keys(
    query: WorklistQuery, answer: Dataset, unread: Collection[str] = (), *, assume_charset: str = ""
) -> tuple[str, ...]:
    """Those of the further keys that an answer does not satisfy; only text, names and UIDs are judged.

    Parameters
    ----------
    query
        The keys that were sent.
    answer
        Identifier of the response. What it does not hold at all is not held against it.
    unread
        Keywords that are not judged.
    assume_charset
        See `Peer`.
    """
    root = Reader(answer, report=_ignore, assume_charset=assume_charset)
    return tuple(path for path, key in query.further_keys if key and not _satisfies(root, path.split("."), key, unread))


def _satisfies(root: Reader, path: list[str], key: str, unread: Collection[str]) -> bool:
    *sequences, keyword = path
    vr = dictionary_VR(keyword)
    if keyword in unread or vr not in (*_TEXT, "PN", "UI"):
        return True
    levels = [root]
    for name in sequences:
        levels = [item for level in levels for item in level.items(name)]
    levels = [level for level in levels if keyword in level]
    if not levels:
        return True
    if vr == "UI":
        return any(level.uid(keyword) in key.split("\\") for level in levels)
    values = [value for level in levels for value in level.texts(keyword)]
    return any(name_matches(key, value) for value in values) if vr == "PN" else text_matches(key, values)


def _ignore(attribute: str, rule: str) -> None:
    """Reading an answer's item has told of what is malformed."""
