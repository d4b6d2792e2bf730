package authmodule

import "github.com/authmodule/authmodule/account"

// smtp checks how mail is sent.
func (p *problems) smtp(c account.SMTPConfig) {
	for _, problem := range c.Problems() {
		p.add("smtp."+problem.Key, problem.Wrong, "set $VAR to "+problem.Right)
	}
	if p.strict && c.TLS == account.SMTPInsecureNone && !c.Loopback() {
		p.add("smtp.tls", "is insecure_none, which sends links and codes in clear to another machine", "set $VAR to starttls or implicit")
	}
}

// plainMail warns of links and codes that travel unencrypted to another machine.
func (c Config) plainMail() string {
	if c.SMTP.Host == "" || c.SMTP.TLS != account.SMTPInsecureNone || c.SMTP.Loopback() {
		return ""
	}
	return warning("smtp.tls", "is insecure_none: links and codes travel unencrypted to the mail server; staging and production refuse it")
}

// homelessMail warns of mails whose links are paths.
func (c Config) homelessMail() string {
	if c.SMTP.Host == "" || c.HTTP.PublicURL != "" || !c.Account.NeedsPublicURL() {
		return ""
	}
	return warning("http.public_url", "is not set: links in mails have no host and open nowhere; staging and production refuse it")
}
