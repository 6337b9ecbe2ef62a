"""The configuration file that `modality init` writes."""

import json
from pathlib import Path

from modality_sdk.errors import ConfigurationError
from modality_sdk.settings.peers import parse_peer

__all__ = ["template", "write_template"]

_TEMPLATE = """\
# Configuration of this modality. Each setting can also come from the environment, which wins:
# MODALITY_AE_TITLE, MODALITY_LISTEN__PORT, MODALITY_PEERS__PACS__HOST. MODALITY_CONFIG names this file.

ae_title = {ae_title}            # our own AE title; peers must know it
station_name = "ROOM 1"
institution = "Example Hospital"
manufacturer = "Example"
model = "DR-1"
serial_number = "0001"
software_versions = ["1.0"]
modality = "DX"
uid_root = ""                 # a registered root of your own; empty: 2.25.<uuid>
# implementation_class_uid = "..."   # of your product, where it has one of its own (PS3.7 D.3.3.2)
data_dir = {data_dir}  # journal and spool; relative to this file

# Who plays which role: names of the peers below. Leave a role out where the site has none.
worklist = "ris"
mpps = ["ris"]
storage = ["pacs"]
dose = []                     # further destinations of dose reports
# query_retrieve = "pacs"
# printing = "film"

# log_identifiers = true      # lets libraries log patients; for a laboratory without real ones

[listen]                      # where peers call us back with commitment reports
host = "0.0.0.0"
port = {port}

[peers.ris]
{ris}

[peers.pacs]
{pacs}
commitment = true             # or the name of another peer that commits for this one
# transfer_syntaxes = ["ExplicitVRLittleEndian"]   # what to propose; the default suits most
# query_charset = "ISO_IR 100"                     # character set of our queries
# assume_charset = "ISO_IR 100"                    # read answers that name none as this one
# web = "http://127.0.0.1:8042/"                   # its web server; the doctor compares the clocks
# adjust_timezone = true                           # of a worklist in another time zone
# timeouts = {{ response = 30 }}                     # deadlines of this peer alone
# quirks = {{ implicit_only = true }}                # where it departs from the standard

# [peers.film]
# ae_title = "PRINTER"
# host = "127.0.0.1"
# port = 10006

[detector]                    # of every acquisition that names no other
imager_pixel_spacing = [0.143, 0.143]              # rows, columns, in mm at the detector
bits_stored = 14
photometric_interpretation = "MONOCHROME2"         # or MONOCHROME1
pixel_intensity_relationship = "LOG"               # or LIN
pixel_intensity_relationship_sign = -1             # -1: higher values, less radiation
detector_type = "SCINTILLATOR"                     # DIRECT, SCINTILLATOR, STORAGE, FILM
# detector_id = ""
# description = ""

[send]
n_create = "on_first_exposure"                     # or on_open
objects = "immediately"                            # or on_accept, on_complete

[retry]                       # of what a peer answered with a passing failure, in s
attempts = 5
initial = 30
multiplier = 2
maximum = 3600
commitment_timeout = 300
# unreachable_attempts = 5    # give up on a peer out of reach; by default its work waits

[commitment]                  # when to ask the archive whether it keeps the objects
initial_delay = 0             # after the last object was stored, in s
re_requests = [300, 1800, 14400]                   # in s after a timeout; every request has a UID of its own
linger = 1                    # wait for the report on the association of the request, in s; 0: not
# maximum_references = 500    # objects in one request

[journal]                     # what is kept on the disk until it is delivered
minimum_free_bytes = 200_000_000                   # left alone by images, for the journal itself
warn_at = 0.8                                      # share of a limit from which it is told
backups = 2                                        # copies of the database; 0: none
# backup_dir = "..."          # on another disk; by default `backup` in data_dir
# maximum_objects = 5000      # images on the disk; by default as many as fit
# maximum_bytes = 100_000_000_000

[retention]                   # of the files on this machine
delete_files = "never"        # or when_committed: when every storage destination has committed the object
keep_days = 7                 # after the step was archived
# keep_rejected_days = 30     # rejected objects exist nowhere else: by default they are kept

[pool]                        # associations for each destination
maximum = 4
acquire = 30
idle = 28

[timeouts]                    # in s, of every peer
connect = 15
association = 15
release = 10
idle = 30
response = 60
store_response = 120
find = 120

# [tls]                       # of every peer with `tls = true`, and of the listener with `tls = true`
# profile = "bcp195_9325"
# trust = ["ca.pem"]
# certificate = "modality.pem"
# key = "modality.key"        # a file; keys never stand in here

# [encryption]                # of journal and spool; needs the extra `encryption`
# key_file = "journal.key"    # made by `modality init --encryption-key journal.key`; or MODALITY_ENCRYPTION__KEY
"""


def template(
    *,
    ae_title: str = "XRAY1",
    worklist: str = "RIS@127.0.0.1:11120",
    storage: str = "ORTHANC@127.0.0.1:4242",
    port: int = 11112,
    data_dir: str = "./modality-data",
) -> str:
    """A commented configuration file that loads as it stands.

    Parameters
    ----------
    ae_title
        Our own AE title.
    worklist, storage
        Addresses of the peers ``ris`` and ``pacs`` in a form of `parse_peer`.
    port
        Of the listener.
    data_dir
        Journal and spool, relative to the file's directory.

    Raises
    ------
    ConfigurationError
        An address has none of the forms.
    """
    return _TEMPLATE.format(
        ae_title=_quoted(ae_title),
        data_dir=_quoted(data_dir),
        port=port,
        ris=_address(worklist),
        pacs=_address(storage),
    )


def write_template(path: Path, text: str | None = None) -> None:
    """Write ``text`` (the `template` when None) to a new file; an existing one is left alone.

    Raises
    ------
    ConfigurationError
        The file exists already, or cannot be written.
    """
    text = template() if text is None else text
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(str(path), "exists already and is not overwritten") from None
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be written ({error.strerror})") from None


def _address(text: str) -> str:
    peer = parse_peer(text)
    return f"ae_title = {_quoted(peer.ae_title)}\nhost = {_quoted(peer.host)}\nport = {peer.port}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML basic string
