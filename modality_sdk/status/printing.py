"""Statuses of print management (PS3.4 Annex H), for all its N-services."""

from modality_sdk.status.verdict import Action, Row

__all__ = ["PRINT"]

_FILM = "Look at the film before it is read: this picture is not as it was sent."
_SIZE = "Choose a larger film, fewer images on it, or an image of less pixels."
_QUEUE = "It is tried again; if it lasts, look at the printer and at its queue."
_LAYOUT = "Put at least one image on the film and print again."

PRINT = (
    Row(
        0x0106,
        Action.PARK,
        "invalid attribute value, or the printer can never allocate the memory asked for",
        "Check film size, medium and layout against what the printer offers, and ask for no memory allocation.",
    ),
    Row(0x0213, Action.RETRY, "resource limitation: the printer cannot allocate the memory now", _QUEUE),
    Row(0xB600, Action.ACCEPT, "memory allocation is not supported"),
    Row(
        0xB601,
        Action.ACCEPT,
        "collation is not supported",
        "Sort the films by hand when several copies were asked for.",
    ),
    Row(0xB602, Action.ACCEPT, "the film session has an empty page", _LAYOUT, degraded=True),
    Row(0xB603, Action.ACCEPT, "the film box is an empty page", _LAYOUT, degraded=True),
    Row(0xB604, Action.ACCEPT, "an image was larger than its box and was made smaller", _FILM, degraded=True),
    Row(
        0xB605,
        Action.ACCEPT,
        "the density asked for is out of range, the printer used its limit",
        "Check the minimum and maximum density configured for this printer.",
    ),
    Row(0xB609, Action.ACCEPT, "an image was larger than its box and was cropped", _FILM, degraded=True),
    Row(0xB60A, Action.ACCEPT, "an image was larger than its box and lost pixels", _FILM, degraded=True),
    Row(0xC600, Action.PARK, "the film session has no film box", _LAYOUT),
    Row(0xC601, Action.RETRY, "the print queue is full, no job for the film session", _QUEUE),
    Row(0xC602, Action.RETRY, "the print queue is full, no job for the film box", _QUEUE),
    Row(0xC603, Action.PARK, "an image is larger than its box", _SIZE),
    # a busy printer or too large an image: it cannot be told which
    Row(0xC605, Action.RETRY, "the printer has not enough memory for the image", _SIZE, retries=2),
    Row(0xC613, Action.PARK, "the combined image is larger than its box", _SIZE),
    Row(
        0xC616,
        Action.PARK,
        "a film box is not printed yet, and the printer prints no film sessions as a whole",
        "Print film by film; ask the service engineer to configure this printer so.",
    ),
)
