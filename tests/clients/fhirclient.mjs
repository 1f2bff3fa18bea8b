// fhirclient, the SMART client for JavaScript (https://github.com/smart-on-fhir/client-js), with tokens it has already.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const smart = require('fhirclient');

const { BASE, PATIENT, NURSE } = process.env;
// The library wants the request and the answer of the page that it serves; there is none here.
const client = (token) => smart({ headers: {} }, {}).client({ serverUrl: BASE, tokenResponse: { access_token: token } });
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

assert.equal(await patient.getFhirVersion(), '4.0.1');

// send
const sent = await patient.create(message('Five left.'));
assert.equal(sent.status, 'completed');

// the nurse's inbox: the conversation, unread, with its automatic reply, and when it is due
const listed = await nurse.request('Communication/$inbox');
const waiting = listed.entry.find((entry) => entry.resource.id === sent.id);
const beside = Object.fromEntries(waiting.extension[0].extension.map((one) => [one.url, one]));
assert.equal(beside.unread.valueUnsignedInt, 2);
assert.ok(beside.due.valueInstant);

// find and reply
const inbox = await nurse.request(`Communication?thread=Communication/${sent.id}`, { flat: true });
assert.ok(inbox.some((one) => one.id === sent.id));
const [task] = await nurse.request(`Task?focus=Communication/${sent.id}`, { flat: true });
await nurse.create(
  message('It is at the pharmacy.', {
    sender: { reference: 'Practitioner/nurse-ortiz' },
    recipient: [{ reference: 'Patient/p-1001' }],
    inResponseTo: [{ reference: `Communication/${sent.id}` }],
  }),
);
assert.equal((await nurse.request(`Task/${task.id}`)).status, 'completed');

// search with paging
for (let number = 0; number < 5; number += 1) {
  await patient.create(message(`Message ${number}.`));
}
const all = await patient.request('Communication?patient=Patient/p-1001&_count=2&_sort=sent', { pageLimit: 0, flat: true });
assert.ok(all.length >= 7 && new Set(all.map((one) => one.id)).size === all.length, `${all.length}`);

// update, patch, history, delete
const draft = await patient.create(message('Perhaps.', { status: 'preparation' }));
draft.payload[0].contentString = 'Four left.';
assert.equal((await patient.update(draft)).meta.versionId, '2');
const patched = await patient.patch(`Communication/${draft.id}`, [
  { op: 'replace', path: '/payload/0/contentString', value: 'Three left.' },
]);
assert.equal(patched.payload[0].contentString, 'Three left.');
const history = await patient.request(`Communication/${draft.id}/_history`);
assert.deepEqual(history.entry.map((entry) => entry.resource.meta.versionId), ['3', '2', '1']);
await patient.delete(`Communication/${draft.id}`);
await assert.rejects(patient.request(`Communication/${draft.id}`), (error) => error.status === 410 || error.statusCode === 410);

// conditional create
const once = () =>
  patient.create(message('Once.', { identifier: [{ system: 'urn:portal', value: 'fhirclient-js' }] }), {
    headers: { 'If-None-Exist': 'identifier=urn:portal|fhirclient-js' },
  });
assert.equal((await once()).id, (await once()).id);

// a transaction
const answered = await patient.request({
  url: '',
  method: 'POST',
  headers: { 'Content-Type': 'application/fhir+json' },
  body: JSON.stringify({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [{ resource: message('One.'), request: { method: 'POST', url: 'Communication' } }],
  }),
});
assert.equal(answered.entry[0].response.status, '201 Created');
