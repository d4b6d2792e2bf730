package mfa

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// uri is what authenticator apps read (the Key URI Format). Every part is encoded whole, so that neither the
// issuer nor the account adds a parameter or ends one; a space is %20, since apps do not take + for one.
func (a app) uri(issuer, account string) string {
	query := url.Values{
		"secret": {a.text()}, "issuer": {issuer}, "algorithm": {string(a.Algorithm)}, "digits": {strconv.Itoa(a.Digits)},
		"period": {strconv.Itoa(int(Period / time.Second))},
	}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account, RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20")}
	return u.String()
}
