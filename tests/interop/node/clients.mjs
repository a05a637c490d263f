// Clients in JavaScript, as their authors ship them: node clients.mjs NAME, with ISSUER, MCP or API, CLIENT_ID, CLIENT_SECRET
// and BROWSE (the command that plays the user) in the environment. Prints what it saw as JSON.
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const { ISSUER, MCP, API, CLIENT_ID, CLIENT_SECRET, BROWSE } = process.env;
const require = createRequire(import.meta.url);

function need(holds, what) {
  if (!holds) throw new Error(what);
}

function browse(url, redirect, ...more) {
  const [command, ...words] = JSON.parse(BROWSE);
  return new Promise((resolve, reject) => {
    execFile(command, [...words, String(url), redirect, ...more], (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(new URL(stdout.trim())));
  });
}

async function refusedWith(code, action) {
  try {
    await action();
  } catch (error) {
    need(error.error === code, `expected ${code}, got ${error.error ?? error.message}`);
    return;
  }
  throw new Error(`expected ${code}, and it worked`);
}

async function mcpSdk() {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const { UnauthorizedError } = await import('@modelcontextprotocol/sdk/client/auth.js');
  const redirect = 'http://localhost:18767/callback';
  const kept = { tokens: [] };
  const authProvider = {
    redirectUrl: redirect,
    clientMetadata: {
      client_name: 'Calendar notes',
      redirect_uris: [redirect],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => kept.client,
    saveClientInformation: (client) => { kept.client = client; },
    tokens: () => kept.tokens.at(-1),
    saveTokens: (tokens) => { kept.tokens.push(tokens); },
    saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
    codeVerifier: () => kept.verifier,
    redirectToAuthorization: (url) => { kept.url = url; },
  };
  const connect = async () => {
    const client = new Client({ name: 'notes', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(MCP), { authProvider });
    await client.connect(transport).catch(async (error) => {
      if (!(error instanceof UnauthorizedError) || kept.tokens.length) throw error;
      const answer = await browse(kept.url, redirect);
      need(answer.searchParams.get('iss') === ISSUER, 'the answer names another issuer');
      await transport.finishAuth(answer.searchParams.get('code'));
    });
    return client;
  };
  await (await connect()).close();
  let client = await connect();
  const answer = await client.callTool({ name: 'list_events', arguments: {} });
  await client.close();
  // A 401 with a refresh token at hand must lead to a refresh, not to a new sign-in.
  kept.tokens.push({ ...kept.tokens.at(-1), access_token: 'worn-out' });
  client = await connect();
  const tools = (await client.listTools()).tools.map((tool) => tool.name);
  await client.close();
  return {
    tools,
    answered: JSON.stringify(answer.content).includes('board meeting'),
    scope: kept.url.searchParams.get('scope'),
    refresh_tokens: new Set(kept.tokens.map((tokens) => tokens.refresh_token)).size,
  };
}

async function mcpRemote() {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-remote-'));
  const bin = path.join(home, 'bin');
  fs.mkdirSync(bin);
  // It opens a browser; here nobody sits before one.
  fs.writeFileSync(path.join(bin, 'xdg-open'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const proxy = path.join(path.dirname(require.resolve('mcp-remote/package.json')), 'dist/proxy.js');
  const child = spawn(process.execPath, [proxy, MCP, '--allow-http'], {
    env: { ...process.env, MCP_REMOTE_CONFIG_DIR: home, HOME: home, PATH: `${bin}:${process.env.PATH}` },
  });
  const seen = {};
  let said = '';
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  try {
    return await new Promise((resolve, reject) => {
      child.on('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
      child.stderr.on('data', (data) => {
        said += data;
        const address = said.match(/(https?:\/\/\S*code_challenge=\S+)\s/);
        if (address && !seen.url) {
          seen.url = new URL(address[1]);
          browse(seen.url, seen.url.searchParams.get('redirect_uri'), '--deliver').catch(reject);
        }
        if (/Proxy established/.test(said) && !seen.asked) {
          seen.asked = true;
          const clientInfo = { name: 'notes', version: '1' };
          send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } });
        }
      });
      let lines = '';
      child.stdout.on('data', (data) => {
        lines += data;
        const whole = lines.split('\n');
        lines = whole.pop();
        for (const line of whole) {
          const message = JSON.parse(line);
          if (message.id === 1) {
            send({ method: 'notifications/initialized' });
            send({ id: 2, method: 'tools/list' });
          }
          if (message.id === 2) {
            resolve({
              tools: message.result.tools.map((tool) => tool.name),
              scope: seen.url.searchParams.get('scope'),
              redirect_host: new URL(seen.url.searchParams.get('redirect_uri')).hostname,
            });
          }
        }
      });
    });
  } finally {
    child.removeAllListeners('exit');
    child.kill();
    fs.rmSync(home, { recursive: true, force: true });
  }
}

async function inspector() {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'inspector-'));
  const folder = path.join(import.meta.dirname, 'node_modules/@modelcontextprotocol/inspector');
  const launcher = path.join(folder, 'clients/launcher/build/index.js');
  const child = spawn(process.execPath, [launcher, '--cli', MCP, '--transport', 'http', '--method', 'tools/list'], {
    env: { ...process.env, HOME: home, MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'memory' },
  });
  let said = '';
  let printed = '';
  let url;
  const listen = (data) => {
    said += data;
    const address = said.match(/navigate to: (https?:\/\/\S*state=\S+)\s/);
    if (address && !url) {
      url = new URL(address[1]);
      browse(url, url.searchParams.get('redirect_uri'), '--deliver').catch((error) => { said += error; child.kill(); });
    }
  };
  child.stdout.on('data', (data) => { printed += data; listen(data); });
  child.stderr.on('data', listen);
  const code = await new Promise((resolve) => { child.on('exit', resolve); });
  fs.rmSync(home, { recursive: true, force: true });
  need(code === 0, `ended with ${code}: ${said}`);
  const { tools } = JSON.parse(printed.slice(printed.indexOf('{')));
  return { tools: tools.map((tool) => tool.name), scope: url.searchParams.get('scope') };
}

async function openidClient() {
  const oidc = await import('openid-client');
  const redirect = 'http://127.0.0.1:8765/callback';
  const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, {
    execute: [oidc.allowInsecureRequests],
  });
  const verifier = oidc.randomPKCECodeVerifier();
  const [nonce, state] = [oidc.randomNonce(), oidc.randomState()];
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: 'openid profile email offline_access read:calendar',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
    prompt: 'consent',
  });
  const tokens = await oidc.authorizationCodeGrant(config, await browse(url, redirect), {
    pkceCodeVerifier: verifier,
    expectedNonce: nonce,
    expectedState: state,
    idTokenExpected: true,
  });
  need(tokens.expiresIn() > 0 && tokens.expiresIn() <= 1800, `a token that lives ${tokens.expiresIn()} s`);
  const claims = tokens.claims();
  const user = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  need(refreshed.refresh_token && refreshed.refresh_token !== tokens.refresh_token, 'the refresh token did not rotate');
  const told = await oidc.tokenIntrospection(config, refreshed.access_token);
  await oidc.tokenRevocation(config, refreshed.refresh_token);
  await refusedWith('invalid_grant', () => oidc.refreshTokenGrant(config, refreshed.refresh_token));
  const itself = await oidc.clientCredentialsGrant(config, { scope: 'read:calendar' });
  return {
    iss: claims.iss,
    email: user.email,
    active: told.active,
    itself: itself.scope,
  };
}

async function oauth4webapi() {
  const oauth = await import('oauth4webapi');
  const insecure = { [oauth.allowInsecureRequests]: true };
  const redirect = 'http://127.0.0.1:8765/callback';
  const issuer = new URL(ISSUER);
  const server = await oauth.processDiscoveryResponse(
    issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));
  const client = { client_id: CLIENT_ID };
  const auth = oauth.ClientSecretBasic(CLIENT_SECRET);
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'read:calendar',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const answer = oauth.validateAuthResponse(server, client, await browse(url, redirect), state);
  const redeem = async () => oauth.processAuthorizationCodeResponse(
    server, client,
    await oauth.authorizationCodeGrantRequest(server, client, auth, answer, redirect, verifier, insecure));
  const tokens = await redeem();
  const introspect = async () => oauth.processIntrospectionResponse(
    server, client, await oauth.introspectionRequest(server, client, auth, tokens.access_token, insecure));
  const before = await introspect();
  await refusedWith('invalid_grant', redeem);
  const after = await introspect();
  const other = oauth.ClientSecretPost(CLIENT_SECRET);
  const itself = await oauth.processClientCredentialsResponse(
    server, client,
    await oauth.clientCredentialsGrantRequest(server, client, other, { scope: 'read:calendar' }, insecure));
  const register = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, { redirect_uris: ['http://localhost/cb'] }, insecure));
  return {
    token_type: tokens.token_type,
    before: before.active,
    after: after.active,
    itself: itself.scope,
    registered: register.token_endpoint_auth_method,
  };
}

async function oauth4webapiDpop() {
  const oauth = await import('oauth4webapi');
  const redirect = 'http://127.0.0.1:8765/callback';
  const proofs = [];
  const insecure = { [oauth.allowInsecureRequests]: true };
  const client = { client_id: CLIENT_ID };
  const proving = async () => ({
    DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')),
    [oauth.customFetch]: (url, init) => {
      proofs.push(init.headers.dpop);
      return fetch(url, init);
    },
    ...insecure,
  });
  const [ours, others] = [await proving(), await proving()];
  const issuer = new URL(ISSUER);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  need(server.dpop_signing_alg_values_supported.includes('ES256'), 'the issuer offers no DPoP');
  const auth = oauth.ClientSecretBasic(CLIENT_SECRET);
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const pushed = await oauth.processPushedAuthorizationResponse(
    server, client,
    await oauth.pushedAuthorizationRequest(server, client, auth, {
      redirect_uri: redirect,
      response_type: 'code',
      scope: 'openid email offline_access read:calendar',
      prompt: 'consent',
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }, ours));
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({ client_id: CLIENT_ID, request_uri: pushed.request_uri });
  const answer = oauth.validateAuthResponse(server, client, await browse(url, redirect), state);
  const redeem = async (options) => oauth.processAuthorizationCodeResponse(
    server, client,
    await oauth.authorizationCodeGrantRequest(server, client, auth, answer, redirect, verifier, options),
    { expectedNonce: nonce, requireIdToken: true });
  // The proof with which the request was pushed has bound the code (RFC 9449 §10.1).
  await refusedWith('invalid_grant', () => redeem(insecure));
  await refusedWith('invalid_grant', () => redeem(others));
  const first = await redeem(ours);
  const { sub } = oauth.getValidatedIdTokenClaims(first);
  const tokens = await oauth.processRefreshTokenResponse(
    server, client, await oauth.refreshTokenGrantRequest(server, client, auth, first.refresh_token, ours));
  const told = await oauth.processIntrospectionResponse(
    server, client, await oauth.introspectionRequest(server, client, auth, tokens.access_token, insecure));
  const access = tokens.access_token;

  const user = await oauth.processUserInfoResponse(
    server, client, sub, await oauth.userInfoRequest(server, client, access, ours));
  const used = { server: proofs.at(-1) };
  const call = () => oauth.protectedResourceRequest(access, 'GET', new URL(API), new Headers(), null, ours);
  let asked = false;
  const events = await call().catch((error) => {
    if (!oauth.isDPoPNonceError(error)) throw error;
    asked = true;
    return call();
  });
  need(events.status === 200, `the API answered ${events.status}`);
  used.api = proofs.at(-1);

  const places = { server: server.userinfo_endpoint, api: API };
  const send = (place, headers) => fetch(places[place], { headers });
  const each = async (look) => Object.fromEntries(await Promise.all(
    Object.keys(places).map(async (place) => [place, await look(place)])));
  return {
    token_type: tokens.token_type,
    email: user.email,
    nonce: asked,
    user: (await events.json()).user,
    bound: told.cnf.jkt === await ours.DPoP.calculateThumbprint(),
    told: told.token_type,
    rotated: tokens.refresh_token !== first.refresh_token,
    as_bearer: await each(async (place) => (await send(place, { authorization: `Bearer ${access}` })).status),
    again: await each(async (place) => {
      const refused = await send(place, { authorization: `DPoP ${access}`, dpop: used[place] });
      return refused.headers.get('www-authenticate').match(/^DPoP .*error="([^"]+)"/)[1];
    }),
  };
}

const clients = {
  '@modelcontextprotocol/sdk': mcpSdk,
  'mcp-remote': mcpRemote,
  '@modelcontextprotocol/inspector': inspector,
  'openid-client': openidClient,
  oauth4webapi,
  'oauth4webapi, DPoP': oauth4webapiDpop,
};
console.log(JSON.stringify(await clients[process.argv[2]]()));
process.exit(0);
