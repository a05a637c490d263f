// npm oidc-provider with everything in memory: client_credentials with ES256 JWTs for one resource, refresh tokens that
// rotate, and introspection of opaque tokens (it refuses to introspect JWTs). Prints one line when it listens, with as
// many refresh tokens as the second argument says.
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const lines = Number(process.argv[3] ?? 0);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };
const server = (resource, accessTokenFormat) => ({
  scope: 'read:calendar', audience: resource, accessTokenTTL: 900, accessTokenFormat,
  ...(accessTokenFormat === 'jwt' ? { jwt: { sign: { alg: 'ES256' } } } : {}),
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [jwk] },
  clients: [{
    client_id: 'bench', client_secret: 'bench-secret-bench-secret-bench-secret',
    redirect_uris: ['https://client.example/cb'], response_types: ['code'],
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
    scope: 'read:calendar offline_access', id_token_signed_response_alg: 'ES256',
  }],
  scopes: ['read:calendar', 'offline_access'],
  rotateRefreshToken: true,
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => 'urn:bench:jwt',
      getResourceServerInfo: async (_, resource) => server(resource, resource === 'urn:bench:opaque' ? 'opaque' : 'jwt'),
    },
  },
});

const client = await provider.Client.find('bench');
const refresh = [];
for (let number = 0; number < lines; number += 1) {
  const accountId = `user-${number}`;
  const grant = new provider.Grant({ clientId: 'bench', accountId });
  grant.addResourceScope('urn:bench:jwt', 'read:calendar');
  grant.addOIDCScope('offline_access');
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    client, accountId, grantId, scope: 'read:calendar offline_access', resource: 'urn:bench:jwt', gty: 'authorization_code',
    iiat: Math.floor(Date.now() / 1000), rotations: 0,
  });
  refresh.push(await token.save());
}
provider.listen(port, '127.0.0.1', () => console.log(JSON.stringify({ refresh })));
