"""fhirpy (https://github.com/beda-software/fhir-py) as a patient's portal and a nurse's inbox use it."""

import os

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

base = os.environ["BASE"]
patient = SyncFHIRClient(base, authorization="Bearer " + os.environ["PATIENT"])
# Its own count() asks with a parameter of another server, which is passed over when the client prefers so.
lenient = {"Prefer": "handling=lenient"}
nurse = SyncFHIRClient(base, authorization="Bearer " + os.environ["NURSE"], extra_headers=lenient)


def message(text, **more):
    return patient.resource(
        "Communication",
        status="in-progress",
        subject={"reference": "Patient/p-1001"},
        sender={"reference": "Patient/p-1001"},
        recipient=[{"reference": "HealthcareService/refill-pool"}],
        payload=[{"contentString": text}],
        **more,
    )


# send
first = message("Five left.")
first.save()
assert first["status"] == "completed" and first.id

# the nurse's inbox: the conversation, unread, with its automatic reply, and when it is due
listed = nurse.execute("Communication/$inbox", method="get")
(waiting,) = [entry for entry in listed["entry"] if entry["resource"]["id"] == first.id]
beside = {one["url"]: one for one in waiting["extension"][0]["extension"]}
assert beside["unread"]["valueUnsignedInt"] == 2 and beside["due"]["valueInstant"], beside

# find, claim, reply
inbox = nurse.resources("Communication").search(thread=first.to_reference().reference)
assert [one.id for one in inbox.fetch()] and inbox.count() >= 1
task = nurse.resources("Task").search(focus=first.to_reference().reference).first()
claimed = nurse.execute(f"Task/{task.id}/$claim", method="post")
assert claimed["owner"]["reference"] == "Practitioner/nurse-ortiz", claimed["owner"]
nurse.resource(
    "Communication",
    status="in-progress",
    subject={"reference": "Patient/p-1001"},
    sender={"reference": "Practitioner/nurse-ortiz"},
    recipient=[{"reference": "Patient/p-1001"}],
    inResponseTo=[{"reference": first.to_reference().reference}],
    payload=[{"contentString": "It is at the pharmacy."}],
).save()
task.refresh()
assert task["status"] == "completed", task["status"]

# search with paging
for number in range(5):
    message(f"Message {number}.").save()
mine = patient.resources("Communication").search(patient="Patient/p-1001").sort("sent").limit(2)
found = mine.fetch_all()
assert len(found) >= 7 and len({one.id for one in found}) == len(found), len(found)

# history and versions
draft = message("Perhaps.")
draft["status"] = "preparation"
draft.save()
draft["payload"][0]["contentString"] = "Five left, again."
draft.update()
history = patient.execute(f"Communication/{draft.id}/_history", method="get")
assert [entry["resource"]["meta"]["versionId"] for entry in history["entry"]] == ["2", "1"]

# patch
operations = [{"op": "replace", "path": "/payload/0/contentString", "value": "Four left."}]
patched = patient.execute(f"Communication/{draft.id}", method="patch", data=operations)
assert patched["payload"][0]["contentString"] == "Four left."
draft.refresh()
draft.delete()
try:
    patient.reference("Communication", draft.id).to_resource()
    raise AssertionError("what was deleted is gone")
except (ResourceNotFound, OperationOutcome):
    pass

# conditional create and update
known = dict(identifier=[{"system": "urn:portal", "value": "fhirpy"}])
criteria = patient.resources("Communication").search(identifier="urn:portal|fhirpy")
one, created = criteria.update(message("Once.", **known))
again, repeated = criteria.update(message("Once.", **known))
assert created and not repeated and one.id == again.id

# a transaction whose messages know each other
bundle = patient.execute(
    "",
    method="post",
    data={
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:1",
                "resource": message("One.").serialize(),
                "request": {"method": "POST", "url": "Communication"},
            },
            {
                "resource": message("Two.", inResponseTo=[{"reference": "urn:uuid:1"}]).serialize(),
                "request": {"method": "POST", "url": "Communication"},
            },
        ],
    },
)
one, two = [entry["resource"] for entry in bundle["entry"]]
assert two["partOf"][0]["reference"] == "Communication/" + one["id"]

# what is wrong is told in the library's own words
try:
    patient.resource("Communication", status="colour").save()
    raise AssertionError("an unknown status is refused")
except OperationOutcome as outcome:
    assert outcome.resource["issue"][0]["expression"], outcome.resource
