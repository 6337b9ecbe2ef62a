"""A performed procedure step SCP on odil, a DICOM stack in C++; runs under the system's own Python.

Usage: ``/usr/bin/python3 odil_mpps.py PORT DIRECTORY``. Each step becomes ``DIRECTORY/<SOP Instance UID>.json``
(PS3.18 Annex F). Statuses after PS3.4 section F.7.2: 0111 for a duplicate, 0112 for an unknown step, 0106 for a
status other than IN PROGRESS in an N-CREATE, 0110 for a step that is final.
"""

import json
import sys
from pathlib import Path

import odil
from odil import messages

SUCCESS, INVALID_ATTRIBUTE_VALUE, PROCESSING_FAILURE, DUPLICATE, NO_SUCH_INSTANCE = 0, 0x0106, 0x0110, 0x0111, 0x0112
STATUS = "00400252"


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class Steps:
    def __init__(self, directory):
        self.directory = directory

    def path(self, uid):
        return self.directory / (Path(uid).name + ".json")

    def write(self, uid, step):
        temporary = self.path(uid).with_suffix(".new")
        temporary.write_text(json.dumps(step), encoding="utf-8")
        temporary.replace(self.path(uid))

    def create(self, message):
        request = messages.NCreateRequest(message)
        command = request.get_command_set()
        uid = text(command.as_string("AffectedSOPInstanceUID")[0])
        step = json.loads(odil.as_json(request.get_data_set()))
        if self.path(uid).exists():
            return DUPLICATE
        if step[STATUS]["Value"][0] != "IN PROGRESS":
            return INVALID_ATTRIBUTE_VALUE
        self.write(uid, step)
        return SUCCESS

    def set(self, message):
        request = messages.NSetRequest(message)
        uid = text(request.get_requested_sop_instance_uid())
        if not self.path(uid).exists():
            return NO_SUCH_INSTANCE
        step = json.loads(self.path(uid).read_text(encoding="utf-8"))
        if step[STATUS]["Value"][0] != "IN PROGRESS":
            return PROCESSING_FAILURE
        step.update(json.loads(odil.as_json(request.get_data_set())))
        self.write(uid, step)
        return SUCCESS


def serve(port, steps):
    while True:
        association = odil.Association()
        try:
            association.receive_association("v4", port)
        except odil.Exception as error:
            print("association:", error, flush=True)
            continue
        dispatcher = odil.SCPDispatcher(association)
        echo, create, change = odil.EchoSCP(association), odil.NCreateSCP(association), odil.NSetSCP(association)
        echo.set_callback(lambda _: SUCCESS)
        create.set_callback(steps.create)
        change.set_callback(steps.set)
        dispatcher.set_echo_scp(echo)
        dispatcher.set_ncreate_scp(create)
        dispatcher.set_nset_scp(change)
        try:
            while True:
                dispatcher.dispatch()
        except odil.Exception as error:
            print("end of association:", error, flush=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Steps(Path(sys.argv[2])))
