// Tells a new glewlwyd whom to give tokens, and for what. Called with its address and a folder, in which it writes
// `glewlwyd.url`: the issuer of its OpenID Connect plugin.

import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const [address, folder] = process.argv.slice(2);
const issuer = `${address}/api/oidc`;
const scope = 'system/Communication.crs';
let cookie = '';

async function post(path, body) {
  const answer = await fetch(`${address}/api/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

const signedIn = await post('auth/', { username: 'admin', password: 'password' });
cookie = signedIn.headers.get('set-cookie').split(';')[0];
const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'sec1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
await post('mod/plugin/', {
  module: 'oidc',
  name: 'oidc',
  display_name: 'oidc',
  parameters: {
    iss: issuer,
    'jwt-type': 'ecdsa',
    'jwt-key-size': '256',
    key: privateKey,
    cert: publicKey,
    'access-token-duration': 600,
    'refresh-token-duration': 600,
    'code-duration': 600,
    'refresh-token-rolling': true,
    'allow-non-oidc': true,
    'auth-type-client-enabled': true,
    'auth-type-code-enabled': false,
    'auth-type-token-enabled': false,
    'auth-type-id-token-enabled': true,
    'auth-type-none-enabled': false,
    'auth-type-password-enabled': false,
    'auth-type-refresh-enabled': false,
    'resource-allowed': true,
    'resource-scope': { [scope]: ['https://messages.example/fhir'] },
    'resource-client-property': '',
    'resource-scope-and-client-property': false,
    'subject-type': 'public',
  },
});
await post('scope/', { name: scope, display_name: 'Messages', password_required: false, scheme: {} });
await post('client/', {
  client_id: 'engine',
  name: 'An engine',
  confidential: true,
  enabled: true,
  client_secret: 'a secret of tests',
  token_endpoint_auth_method: ['client_secret_basic'],
  authorization_type: ['client_credentials'],
  scope: [scope],
  redirect_uri: [],
});
writeFileSync(`${folder}/glewlwyd.url`, issuer);
