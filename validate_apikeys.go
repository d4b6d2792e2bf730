package authmodule

import (
	"net/textproto"
	"regexp"
	"slices"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
)

// soundHeader is a header name (RFC 9110, section 5.1).
var soundHeader = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~` + "`" + `-]{1,64}$`)

// takenHeaders have a meaning of their own, and others read or log them.
func takenHeaders() []string {
	return []string{
		"Authorization", "Proxy-Authorization", "Cookie", "Host", "Origin", "Referer", "Connection", "Content-Type", "Content-Length",
		"Transfer-Encoding", "Upgrade", "User-Agent", "X-Forwarded-For", "Forwarded", "Accept",
	}
}

func (p *problems) apiKeys(c authn.APIKeyConfig) {
	c = c.WithDefaults()
	if !credential.ValidKind(c.Prefix) {
		p.add("api_keys.prefix", "is not 1 to 16 of a-z and 0-9", "set $VAR to a short word such as ak")
	}
	switch {
	case c.Header == "":
	case !soundHeader.MatchString(c.Header):
		p.add("api_keys.header", "is not the name of a header", "set $VAR to one such as X-API-Key, or leave it out")
	case slices.Contains(takenHeaders(), textproto.CanonicalMIMEHeaderKey(c.Header)):
		p.add("api_keys.header", "has a meaning of its own", "set $VAR to a header that nothing else uses, such as X-API-Key")
	}
	if c.DefaultDays > c.MaxDays {
		p.add("api_keys.default_days", "is longer than auth.api_keys.max_days", "lower $VAR, or raise LEX_AUTH__API_KEYS__MAX_DAYS")
	}
}
