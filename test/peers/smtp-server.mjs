// A mail server of the package smtp-server on a loopback address, configured by one argument in JSON. It prints its port as the first
// line and each mail that it has taken as one more, read with mailparser, and ends with its input. Beside options of
// SMTPServer, the argument may have
//   keyFile, certFile: the certificate of STARTTLS or, with secure, of the whole connection
//   user, pass: the only login; authMethods as in SMTPServer
//   refuse: { at: 'mail' | 'rcpt' | 'data', code, text } answers so, and with echo repeats the whole mail or login in it
//   hang: 'connect' | 'rcpt' | 'data' never answers there
import { readFileSync } from 'node:fs'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'

const { keyFile, certFile, user, pass, refuse = {}, hang, ...options } = JSON.parse(process.argv[2] ?? '{}')
if (keyFile) Object.assign(options, { key: readFileSync(keyFile), cert: readFileSync(certFile) })

const refusal = (echo = '') => Object.assign(new Error(`${refuse.text ?? 'no'}${refuse.echo ? ' ' + echo : ''}`), { responseCode: refuse.code })
const step = (name, done) => { if (hang !== name) done(refuse.at === name ? refusal() : null) }

const read = (stream) => new Promise((done) => {
  const parts = []
  stream.on('data', (part) => parts.push(part)).on('end', () => done(Buffer.concat(parts)))
})

const server = new SMTPServer({
  authOptional: user === undefined,
  disableReverseLookup: true,
  ...options,
  onConnect: (_, done) => step('connect', done),
  onAuth: (auth, _, done) => {
    if (auth.username === user && auth.password === pass) return done(null, { user })
    done(Object.assign(new Error(`not ${auth.username} with ${auth.password}, ${Buffer.from(auth.password).toString('base64')}`), { responseCode: 535 }))
  },
  onMailFrom: (_, __, done) => step('mail', done),
  onRcptTo: (_, __, done) => step('rcpt', done),
  onData: async (stream, session, done) => {
    const raw = await read(stream)
    if (hang === 'data') return
    const mail = await simpleParser(raw)
    if (refuse.at === 'data') return done(refusal(`${raw} ${mail.text} ${mail.html}`.replaceAll(/\s+/g, ' ')))
    const header = Object.fromEntries(mail.headerLines.map(({ key, line }) => [key, line]))
    console.log(JSON.stringify({
      from: mail.from?.value, to: mail.to?.value, subject: mail.subject, text: mail.text, html: mail.html, date: mail.date, messageId: mail.messageId,
      header, raw: raw.toString(), attachments: mail.attachments.length,
      envelope: { from: session.envelope.mailFrom.address, to: session.envelope.rcptTo.map(({ address }) => address), args: session.envelope.mailFrom.args },
      secure: session.secure, tls: session.tlsOptions?.version ?? null, user: session.user || '', hello: session.hostNameAppearsAs,
    }))
    done()
  },
})
server.on('error', ({ message }) => console.error(message)) // a client that goes away
server.listen(0, '127.0.0.1', () => console.log(server.server.address().port))
process.stdin.on('end', () => process.exit()).resume()
