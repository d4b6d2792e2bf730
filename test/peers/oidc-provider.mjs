// An OpenID Provider of the package oidc-provider on a loopback address. It prints
// its issuer as the first line, and ends with its input. Its one client may ask for tokens of its own
// (client_credentials) for the resource https://api.example.com/ followed by an algorithm, by which the token is then signed.
import { createServer } from 'node:http'
import * as jose from 'jose'
import { Provider } from 'oidc-provider'

const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']
const keys = []
for (const alg of algorithms) {
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true })
  keys.push({ ...(await jose.exportJWK(privateKey)), kid: `key-${alg}`, alg, use: 'sig' })
}

const server = createServer()
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const issuer = `http://127.0.0.1:${server.address().port}`

const provider = new Provider(issuer, {
  jwks: { keys },
  cookies: { keys: ['for tests only'] },
  scopes: ['articles.read', 'articles.write'],
  clients: [{
    client_id: 'app', client_secret: 'a secret for tests only', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
  }],
  ttl: { ClientCredentials: 600 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: 'articles.read articles.write',
        audience: 'https://api.example.com',
        accessTokenFormat: resource.endsWith('/opaque') ? 'opaque' : 'jwt',
        jwt: { sign: { alg: resource.split('/').pop() } },
      }),
    },
  },
})
server.on('request', provider.callback())
process.stdin.on('end', () => process.exit()).resume()
console.log(issuer)
