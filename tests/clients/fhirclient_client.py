"""fhirclient, the SMART client for Python (https://github.com/smart-on-fhir/client-py), with its typed models."""

import json
import os

from fhirclient.client import FHIRClient
from fhirclient.models import bundle, communication, fhirreference, task
from fhirclient.server import FHIRNotFoundException

base = os.environ["BASE"]


def client(token):
    smart = FHIRClient(settings={"app_id": "postern-tests", "api_base": base})
    smart.server.session.headers["Authorization"] = "Bearer " + token
    return smart


patient, nurse = client(os.environ["PATIENT"]), client(os.environ["NURSE"])

# The CapabilityStatement is read and understood, the addresses of the authorization server in it as well.
statement = patient.server.capabilityStatement
assert statement.fhirVersion == "4.0.1"
assert "Communication" in [one.type for one in statement.rest[0].resource]
assert "transaction" in [one.code for one in statement.rest[0].interaction]


def message(text, sender="Patient/p-1001", to="HealthcareService/refill-pool"):
    def reference(to):
        return fhirreference.FHIRReference({"reference": to})

    one = communication.Communication()
    one.status = "in-progress"
    one.subject = reference("Patient/p-1001")
    one.sender = reference(sender)
    one.recipient = [reference(to)]
    payload = communication.CommunicationPayload()
    payload.contentString = text
    one.payload = [payload]
    return one


# send
made = communication.Communication(message("Five left.").create(patient.server))
assert made.status == "completed" and made.sent is not None

# the nurse's inbox: the conversation, unread, with its automatic reply, and when it is due
listed = bundle.Bundle.read_from("Communication/$inbox", nurse.server)
(waiting,) = [entry for entry in listed.entry if entry.resource.id == made.id]
beside = {one.url: one for one in waiting.extension[0].extension}
assert beside["unread"].valueUnsignedInt == 2 and beside["due"].valueInstant.date

# find and reply
found = communication.Communication.where({"thread": "Communication/" + made.id}).perform_resources(nurse.server)
assert made.id in [one.id for one in found]
owed = task.Task.where({"focus": "Communication/" + made.id}).perform_resources(nurse.server)[0]
assert owed.status == "requested" and owed.restriction.period.end is not None
answer = message("It is at the pharmacy.", "Practitioner/nurse-ortiz", "Patient/p-1001")
answer.inResponseTo = [fhirreference.FHIRReference({"reference": "Communication/" + made.id})]
answer.create(nurse.server)
assert task.Task.read(owed.id, nurse.server).status == "completed"

# search with paging
for number in range(5):
    message(f"Message {number}.").create(patient.server)
search = communication.Communication.where({"patient": "Patient/p-1001", "_sort": "sent", "_count": "2"})
page, ids = search.perform(patient.server), []
while page is not None:
    ids += [entry.resource.id for entry in page.entry]
    following = [link.url for link in page.link if link.relation == "next"]
    page = bundle.Bundle.read_from(following[0], patient.server) if following else None
assert len(ids) >= 7 and len(set(ids)) == len(ids), ids
every = communication.Communication.where({"patient": "Patient/p-1001", "_count": "2"})
assert len(list(every.perform_resources_iter(patient.server))) == len(ids)

# update and history
draft = message("Perhaps.")
draft.status = "preparation"
draft = communication.Communication(draft.create(patient.server))
draft.payload[0].contentString = "Four left."
draft = communication.Communication(draft.update(patient.server))
versions = bundle.Bundle.read_from(f"Communication/{draft.id}/_history", patient.server)
assert [entry.resource.meta.versionId for entry in versions.entry] == ["2", "1"]

# patch and conditional create: the library has no words of its own for them, and lends its session.
session, address = patient.server.session, f"{base}/Communication"
operations = [{"op": "replace", "path": "/payload/0/contentString", "value": "Three left."}]
headers = {"Content-Type": "application/json-patch+json"}
patched = session.patch(f"{address}/{draft.id}", data=json.dumps(operations), headers=headers)
assert patched.status_code == 200, patched.text
assert communication.Communication.read(draft.id, patient.server).payload[0].contentString == "Three left."
once = message("Once.").as_json()
headers = {"If-None-Exist": "identifier=urn:portal|fhirclient"}
once["identifier"] = [{"system": "urn:portal", "value": "fhirclient"}]
replies = [session.post(address, json=once, headers=headers) for _ in range(2)]
assert [reply.status_code for reply in replies] == [201, 200]
assert replies[0].json()["id"] == replies[1].json()["id"]

# delete
draft.delete(patient.server)
try:
    communication.Communication.read("no-such", patient.server)
    raise AssertionError("there is none")
except FHIRNotFoundException:
    pass
