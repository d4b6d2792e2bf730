package authn

import (
	"net/netip"
	"strings"
	"time"
)

// plainClaims reads the one spelling in which this module writes a payload:
// the claims in the order of wireClaims, without space, in printable ASCII without
// escapes. What it accepts, decodeClaims accepts with the same result; it
// accepts nothing else, and leaves that to decodeClaims.
func plainClaims(payload string) (Claims, bool) {
	if len(payload) > payloadLimits.Bytes {
		return Claims{}, false
	}
	p := plainReader{rest: payload, ok: true}
	var c Claims
	p.skip(`{"iss":`)
	c.Issuer = p.text()
	p.skip(`,"aud":`)
	c.Audience = p.text()
	p.skip(`,"sub":`)
	c.Subject.ID = p.text()
	p.skip(`,"tenant":`)
	c.Subject.Tenant = p.tenant()
	p.skip(`,"sid":`)
	c.SessionID = p.text()
	p.skip(`,"jti":`)
	c.ID = p.text()
	p.skip(`,"iat":`)
	c.IssuedAt = p.time()
	p.skip(`,"nbf":`)
	c.NotBefore = p.time()
	p.skip(`,"exp":`)
	c.Expires = p.time()
	p.skip(`,"auth_time":`)
	c.AuthTime = p.time()
	p.skip(`,"amr":`)
	c.Methods = p.list()
	p.skip(`,"roles":`)
	c.Roles = p.list()
	if p.has(`,"mfa_time":`) {
		c.MFATime = p.time()
	}
	if p.has(`,"acr":`) {
		c.ACR = p.text()
	}
	if p.has(`,"act":{"sub":`) {
		c.Actor = p.text()
		p.skip(`}`)
	}
	if strings.HasPrefix(p.rest, `,"cnf":{`) {
		c.Confirmation = p.confirmation()
	}
	p.skip(`}`)
	if !p.ok || p.rest != "" {
		return Claims{}, false
	}
	return c, true
}

// plainReader reads from the front; ok turns false for good at the first deviation.
type plainReader struct {
	rest string
	ok   bool
}

func (p *plainReader) skip(literal string) {
	if p.ok && strings.HasPrefix(p.rest, literal) {
		p.rest = p.rest[len(literal):]
		return
	}
	p.ok = false
}

// has skips the literal if it comes next.
func (p *plainReader) has(literal string) bool {
	if !p.ok || !strings.HasPrefix(p.rest, literal) {
		return false
	}
	p.rest = p.rest[len(literal):]
	return true
}

// quoted reads a string and shares the payload's memory with it.
func (p *plainReader) quoted() string {
	p.skip(`"`)
	for i := 0; p.ok && i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			value := p.rest[:i]
			p.rest = p.rest[i+1:]
			return value
		case c < ' ' || c > '~' || c == '\\':
			p.ok = false
		}
	}
	p.ok = false
	return ""
}

func (p *plainReader) text() string {
	value := p.quoted()
	if value == "" || len(value) > longestText {
		p.ok = false
	}
	return value
}

func (p *plainReader) tenant() Tenant {
	tenant, err := ParseTenant(p.quoted())
	if err != nil {
		p.ok = false
	}
	return tenant
}

// list reads an array; it is empty, not nil, for [].
func (p *plainReader) list() []string {
	p.skip("[")
	end := strings.IndexByte(p.rest, ']')
	if !p.ok || end < 0 {
		p.ok = false
		return nil
	}
	list := make([]string, 0, strings.Count(p.rest[:end], `","`)+1)
	if p.rest[0] == ']' {
		p.rest = p.rest[1:]
		return list
	}
	for p.ok {
		list = append(list, p.quoted())
		if p.ok && strings.HasPrefix(p.rest, "]") {
			p.rest = p.rest[1:]
			return list
		}
		p.skip(",")
	}
	return nil
}

// confirmation reads cnf with the members in their order, one or both.
func (p *plainReader) confirmation() (c Confirmation) {
	p.skip(`,"cnf":{`)
	if strings.HasPrefix(p.rest, `"`+cnfCertificate+`":`) {
		p.skip(`"` + cnfCertificate + `":`)
		c.Certificate = p.thumbprint()
		if strings.HasPrefix(p.rest, "}") {
			p.skip("}")
			return c
		}
		p.skip(",")
	}
	p.skip(`"` + cnfNetwork + `":`)
	c.Network = p.network()
	p.skip("}")
	return c
}

func (p *plainReader) thumbprint() Thumbprint {
	value, ok := parseThumbprint(p.quoted())
	p.ok = p.ok && ok
	return value
}

func (p *plainReader) network() netip.Prefix {
	value, ok := parseNetwork(p.quoted())
	p.ok = p.ok && ok
	return value
}

// time reads whole seconds from 1 to the end of the year 9999, without leading zero.
func (p *plainReader) time() time.Time {
	var seconds int64
	digits := 0
	for digits < len(p.rest) && p.rest[digits] >= '0' && p.rest[digits] <= '9' && digits < exactDigits {
		seconds = seconds*10 + int64(p.rest[digits]-'0')
		digits++
	}
	if digits == 0 || p.rest[0] == '0' || seconds > year9999 {
		p.ok = false
		return time.Time{}
	}
	p.rest = p.rest[digits:]
	return time.Unix(seconds, 0).UTC()
}
