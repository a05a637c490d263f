// npm oidc-provider with everything in memory: client_credentials with ES256 JWTs for one resource, and introspection
// of opaque tokens (it refuses to introspect JWTs). Prints one line when it listens.
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };
const server = (resource, accessTokenFormat) => ({
  scope: 'read:calendar', audience: resource, accessTokenTTL: 900, accessTokenFormat,
  ...(accessTokenFormat === 'jwt' ? { jwt: { sign: { alg: 'ES256' } } } : {}),
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [jwk] },
  clients: [{
    client_id: 'bench', client_secret: 'bench-secret-bench-secret-bench-secret', redirect_uris: [], response_types: [],
    grant_types: ['client_credentials'], scope: 'read:calendar', id_token_signed_response_alg: 'ES256',
  }],
  scopes: ['read:calendar'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => 'urn:bench:jwt',
      getResourceServerInfo: async (_, resource) => server(resource, resource === 'urn:bench:opaque' ? 'opaque' : 'jwt'),
    },
  },
});
provider.listen(port, '127.0.0.1', () => console.log('listening'));
