// fhir-kit-client (https://github.com/Vermonster/fhir-kit-client) as a portal and a nurse's inbox use it.
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';

const { BASE, PATIENT, NURSE } = process.env;
const patient = new Client({ baseUrl: BASE, bearerToken: PATIENT });
const nurse = new Client({ baseUrl: BASE, bearerToken: NURSE });
const resourceType = 'Communication';
const message = (text, more = {}) => ({
  resourceType,
  status: 'in-progress',
  subject: { reference: 'Patient/p-1001' },
  sender: { reference: 'Patient/p-1001' },
  recipient: [{ reference: 'HealthcareService/refill-pool' }],
  payload: [{ contentString: text }],
  ...more,
});

const statement = await patient.capabilityStatement();
assert.equal(statement.fhirVersion, '4.0.1');

// send
const sent = await patient.create({ resourceType, body: message('Five left.') });
assert.equal(sent.status, 'completed');

// the nurse's inbox: the conversation, unread, with its automatic reply, and when it is due
const listed = await nurse.operation({ name: '$inbox', resourceType, method: 'GET' });
const waiting = listed.entry.find((entry) => entry.resource.id === sent.id);
const beside = Object.fromEntries(waiting.extension[0].extension.map((one) => [one.url, one]));
assert.equal(beside.unread.valueUnsignedInt, 2);
assert.ok(beside.due.valueInstant);

// find, claim, reply
const inbox = await nurse.search({ resourceType, searchParams: { thread: `Communication/${sent.id}` } });
assert.ok(inbox.entry.some((entry) => entry.resource.id === sent.id));
const owed = await nurse.search({ resourceType: 'Task', searchParams: { focus: `Communication/${sent.id}` } });
const task = owed.entry[0].resource;
const claimed = await nurse.operation({ name: '$claim', resourceType: 'Task', id: task.id, method: 'POST' });
assert.equal(claimed.owner.reference, 'Practitioner/nurse-ortiz');
await nurse.create({
  resourceType,
  body: message('It is at the pharmacy.', {
    sender: { reference: 'Practitioner/nurse-ortiz' },
    recipient: [{ reference: 'Patient/p-1001' }],
    inResponseTo: [{ reference: `Communication/${sent.id}` }],
  }),
});
assert.equal((await nurse.read({ resourceType: 'Task', id: task.id })).status, 'completed');

// search with paging, forth and back
for (let number = 0; number < 5; number += 1) {
  await patient.create({ resourceType, body: message(`Message ${number}.`) });
}
const searchParams = { patient: 'Patient/p-1001', _count: 2, _sort: 'sent' };
let page = await patient.search({ resourceType, searchParams });
const ids = [];
let last = page;
while (page) {
  ids.push(...page.entry.map((entry) => entry.resource.id));
  last = page;
  page = await patient.nextPage({ bundle: page });
}
assert.ok(ids.length >= 7 && new Set(ids).size === ids.length, `${ids}`);
const before = await patient.prevPage({ bundle: last });
assert.equal(before.entry.length, 2);

// history and patch
const draft = await patient.create({ resourceType, body: message('Perhaps.', { status: 'preparation' }) });
const patched = await patient.patch({
  resourceType,
  id: draft.id,
  jsonPatch: [{ op: 'replace', path: '/payload/0/contentString', value: 'Four left.' }],
});
assert.equal(patched.payload[0].contentString, 'Four left.');
const history = await patient.history({ resourceType, id: draft.id });
assert.deepEqual(history.entry.map((entry) => entry.resource.meta.versionId), ['2', '1']);
const first = await patient.vread({ resourceType, id: draft.id, version: '1' });
assert.equal(first.payload[0].contentString, 'Perhaps.');
await patient.delete({ resourceType, id: draft.id });
await assert.rejects(patient.read({ resourceType, id: draft.id }), (error) => error.response.status === 410);

// conditional create
const options = { headers: { 'If-None-Exist': 'identifier=urn:portal|fhir-kit' } };
const once = message('Once.', { identifier: [{ system: 'urn:portal', value: 'fhir-kit' }] });
const one = await patient.create({ resourceType, body: once, options });
const again = await patient.create({ resourceType, body: once, options });
assert.equal(one.id, again.id);

// a transaction and a batch
const answered = await patient.transaction({
  body: {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { fullUrl: 'urn:uuid:1', resource: message('One.'), request: { method: 'POST', url: 'Communication' } },
      {
        resource: message('Two.', { inResponseTo: [{ reference: 'urn:uuid:1' }] }),
        request: { method: 'POST', url: 'Communication' },
      },
    ],
  },
});
const [root, next] = answered.entry.map((entry) => entry.resource);
assert.equal(next.partOf[0].reference, `Communication/${root.id}`);
const batch = await nurse.batch({
  body: {
    resourceType: 'Bundle',
    type: 'batch',
    entry: [
      { request: { method: 'GET', url: `Communication/${root.id}` } },
      { request: { method: 'GET', url: 'Communication/no-such' } },
    ],
  },
});
assert.deepEqual(batch.entry.map((entry) => entry.response.status), ['200 OK', '404 Not Found']);
