// @medplum/core (https://github.com/medplum/medplum) against a server that is not Medplum's.
import assert from 'node:assert/strict';
import { MedplumClient } from '@medplum/core';

const { BASE, PATIENT, NURSE } = process.env;
const client = (accessToken) =>
  new MedplumClient({ baseUrl: new URL('/', BASE).toString(), fhirUrlPath: 'fhir', accessToken, cacheTime: 0, fetch });
const [patient, nurse] = [client(PATIENT), client(NURSE)];
const message = (text, more = {}) => ({
  resourceType: 'Communication',
  status: 'in-progress',
  subject: { reference: 'Patient/p-1001' },
  sender: { reference: 'Patient/p-1001' },
  recipient: [{ reference: 'HealthcareService/refill-pool' }],
  payload: [{ contentString: text }],
  ...more,
});

// send
const sent = await patient.createResource(message('Five left.'));
assert.equal(sent.status, 'completed');

// the nurse's inbox: the conversation, unread, with its automatic reply, and when it is due
const listed = await nurse.get(nurse.fhirUrl('Communication', '$inbox'));
const waiting = listed.entry.find((entry) => entry.resource.id === sent.id);
const beside = Object.fromEntries(waiting.extension[0].extension.map((one) => [one.url, one]));
assert.equal(beside.unread.valueUnsignedInt, 2);
assert.ok(beside.due.valueInstant);

// find and reply
const inbox = await nurse.searchResources('Communication', { thread: `Communication/${sent.id}` });
assert.ok(inbox.some((one) => one.id === sent.id));
const task = await nurse.searchOne('Task', { focus: `Communication/${sent.id}` });
await nurse.createResource(
  message('It is at the pharmacy.', {
    sender: { reference: 'Practitioner/nurse-ortiz' },
    recipient: [{ reference: 'Patient/p-1001' }],
    inResponseTo: [{ reference: `Communication/${sent.id}` }],
  }),
);
assert.equal((await nurse.readResource('Task', task.id)).status, 'completed');

// search with paging
for (let number = 0; number < 5; number += 1) {
  await patient.createResource(message(`Message ${number}.`));
}
const ids = [];
for await (const page of patient.searchResourcePages('Communication', { patient: 'Patient/p-1001', _count: 2, _sort: 'sent' })) {
  ids.push(...page.map((one) => one.id));
}
assert.ok(ids.length >= 7 && new Set(ids).size === ids.length, `${ids}`);

// update, patch, history, delete
const draft = await patient.createResource(message('Perhaps.', { status: 'preparation' }));
const second = await patient.updateResource({ ...draft, payload: [{ contentString: 'Four left.' }] });
assert.equal(second.meta.versionId, '2');
const patched = await patient.patchResource('Communication', draft.id, [
  { op: 'replace', path: '/payload/0/contentString', value: 'Three left.' },
]);
assert.equal(patched.payload[0].contentString, 'Three left.');
const history = await patient.readHistory('Communication', draft.id);
assert.deepEqual(history.entry.map((entry) => entry.resource.meta.versionId), ['3', '2', '1']);
await patient.deleteResource('Communication', draft.id);
await assert.rejects(patient.readResource('Communication', draft.id));

// conditional create and update
const known = { identifier: [{ system: 'urn:portal', value: 'medplum' }] };
const once = () => patient.createResourceIfNoneExist(message('Once.', known), 'identifier=urn:portal|medplum');
const first = await once();
assert.equal((await once()).id, first.id);
const upserted = await patient.upsertResource(message('Once.', known), 'identifier=urn:portal|medplum');
assert.equal(upserted.id, first.id);

// a transaction and a batch
const answered = await patient.executeBatch({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    { fullUrl: 'urn:uuid:1', resource: message('One.'), request: { method: 'POST', url: 'Communication' } },
    {
      resource: message('Two.', { inResponseTo: [{ reference: 'urn:uuid:1' }] }),
      request: { method: 'POST', url: 'Communication' },
    },
  ],
});
const [root, next] = answered.entry.map((entry) => entry.resource);
assert.equal(next.partOf[0].reference, `Communication/${root.id}`);
