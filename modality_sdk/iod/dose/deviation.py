"""What a template demands and a device cannot tell."""

from dataclasses import dataclass

from modality_sdk.errors import MissingAttribute

__all__ = ["Deviations", "TemplateDeviation"]


@dataclass(frozen=True, kw_only=True)
class TemplateDeviation:
    """One mandatory content item that a report lacks.

    Attributes
    ----------
    template
        Identifier of the template of PS3.16: ``10003B``.
    concept
        Meaning of the item's concept name: ``Dose (RP)``.
    irradiation_event_uid
        The event that lacks it; empty for a total.
    missing
        What would have to be known.
    """

    template: str
    concept: str
    irradiation_event_uid: str = ""
    missing: str


class Deviations:
    """Collects what a report lacks, where that is allowed.

    Parameters
    ----------
    allowed
        Whether a report may lack anything.
    """

    def __init__(self, *, allowed: bool) -> None:
        self._allowed = allowed
        self.found: list[TemplateDeviation] = []

    def add(self, template: str, concept: str, missing: str, event_uid: str = "") -> None:
        """Note that an item is missing.

        Raises
        ------
        MissingAttribute
            Nothing may be missing.
        """
        if not self._allowed:
            where = f" of irradiation event {event_uid}" if event_uid else ""
            raise MissingAttribute(concept, f"is mandatory (PS3.16 TID {template}){where}; {missing}")
        self.found.append(
            TemplateDeviation(template=template, concept=concept, irradiation_event_uid=event_uid, missing=missing)
        )
