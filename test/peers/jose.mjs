// Signs and verifies tokens with the package jose. One JSON request a line on
// standard input, one answer a line on standard output; it ends with its input.
import { createInterface } from 'node:readline'
import * as jose from 'jose'

// A secret is text, whose bytes are the key; a private key is PEM (PKCS #8).
const secretOf = (text) => new TextEncoder().encode(text)

const operations = {
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
