// Signs and verifies tokens with the package jose. One JSON request a line on
// standard input, one answer a line on standard output; it ends with its input.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import * as jose from 'jose'

// A secret is text, whose bytes are the key; a private key is PEM (PKCS #8).
const secretOf = (text) => new TextEncoder().encode(text)

// What an issuer has made with serve: its private keys by algorithm, and the public ones as they are published.
const issuer = { keys: new Map(), published: [] }

const operations = {
  // serve is an issuer with a key for each algorithm, whose set it publishes; asked again, it replaces them.
  async serve({ algorithms, bare }) {
    issuer.published = []
    for (const alg of algorithms) {
      const { privateKey, publicKey } = await jose.generateKeyPair(alg)
      const jwk = await jose.exportJWK(publicKey)
      const kid = await jose.calculateJwkThumbprint(jwk)
      issuer.keys.set(alg, { privateKey, kid })
      issuer.published.push(bare ? { ...jwk, kid } : { ...jwk, kid, alg, use: 'sig' })
    }
    if (!issuer.server) {
      issuer.server = createServer((_, res) => res.end(JSON.stringify({ keys: issuer.published }))).unref()
      await new Promise((done) => issuer.server.listen(0, '127.0.0.1', done))
    }
    return { url: `http://127.0.0.1:${issuer.server.address().port}` }
  },

  async mint({ alg, typ, payload }) {
    const { privateKey, kid } = issuer.keys.get(alg)
    return { token: await new jose.SignJWT(payload).setProtectedHeader({ alg, kid, typ }).sign(privateKey) }
  },

  async verify({ token, secret, jwks, options }) {
    const key = secret === undefined ? jose.createLocalJWKSet(jwks) : secretOf(secret)
    const { payload, protectedHeader } = await jose.jwtVerify(token, key, { ...options, currentDate: new Date(options.currentDate) })
    return { payload, header: protectedHeader }
  },

  // Answers for many tokens: the payload of one that holds, else the code of the error.
  async verifyAll({ tokens, secret, jwks, options }) {
    const key = secret === undefined ? jose.createLocalJWKSet(jwks) : secretOf(secret)
    const verdicts = []
    for (const token of tokens) {
      try {
        const { payload } = await jose.jwtVerify(token, key, { ...options, currentDate: new Date(options.currentDate) })
        verdicts.push({ payload })
      } catch (err) {
        verdicts.push({ error: err.code ?? String(err) })
      }
    }
    return { verdicts }
  },

  async sign({ header, payload, secret, pem }) {
    const key = secret === undefined ? await jose.importPKCS8(pem, header.alg) : secretOf(secret)
    return { token: await new jose.SignJWT(payload).setProtectedHeader(header).sign(key) }
  },

  async generate({ alg }) {
    const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true })
    const jwk = await jose.exportJWK(publicKey)
    return { pem: await jose.exportPKCS8(privateKey), jwk, thumbprint: await jose.calculateJwkThumbprint(jwk) }
  },

  async thumbprint({ jwk }) {
    return { thumbprint: await jose.calculateJwkThumbprint(jwk) }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const { operation, ...request } = JSON.parse(line)
    answer = await operations[operation](request)
  } catch (err) {
    answer = { error: err.code ?? String(err) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
