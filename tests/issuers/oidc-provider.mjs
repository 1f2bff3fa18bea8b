// oidc-provider (https://www.npmjs.com/package/oidc-provider), a certified issuer, for machines that prove a key of
// theirs. Called with a folder, in which it writes that key as `client.p8` and its address as `oidc-provider.url`.

import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const [folder] = process.argv.slice(2);
const scopes = 'system/Communication.crs patient/Communication.crs';
const own = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const proven = own.publicKey.export({ format: 'jwk' });
writeFileSync(`${folder}/client.p8`, own.privateKey.export({ type: 'pkcs8', format: 'der' }));

function client(id, scope) {
  return {
    client_id: id,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES384',
    jwks: { keys: [{ ...proven, kid: 'client', alg: 'ES384', use: 'sig' }] },
    scope,
  };
}

function signing(kid, alg, type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

// Each resource has its way of signing, so that both ways are tried.
const resources = {
  'https://messages.example/fhir': 'ES384',
  'https://messages.example/rsa': 'RS384',
  'https://elsewhere.example/fhir': 'ES384',
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [client('engine', 'system/Communication.crs'), client('portal', 'patient/Communication.crs')],
    scopes: scopes.split(' '),
    jwks: { keys: [signing('es', 'ES384', 'ec', { namedCurve: 'P-384' }), signing('rs', 'RS384', 'rsa', { modulusLength: 2048 })] },
    enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384'], idTokenSigningAlgValues: ['ES384', 'RS384'] },
    clientDefaults: { id_token_signed_response_alg: 'ES384' },
    extraTokenClaims: (_, token) =>
      token.clientId === 'portal' ? { patient: 'p-1001', fhirUser: 'Patient/p-1001' } : undefined,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          audience: resource,
          scope: scopes,
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: resources[resource] } },
        }),
      },
    },
  });
  server.on('request', provider.callback());
  writeFileSync(`${folder}/oidc-provider.url`, issuer);
});
