package transport

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/url"
	"strings"
)

// Headers whose form is defined.
const (
	// HeaderClientCert is that of RFC 9440.
	HeaderClientCert = "Client-Cert"
	// HeaderXFCC is Envoy's.
	HeaderXFCC = "X-Forwarded-Client-Cert"
)

// longestCertificateHeader is in bytes. A certificate has about 1 KiB, rarely 4.
const longestCertificateHeader = 16 << 10

// parseCertificateHeader returns the certificate that a header holds, or nil:
// also for what proxies write when there is none, such as "-", "(null)" or a placeholder that was not replaced. The form depends on the
// header: RFC 9440, Envoy's, or for any other name the bare certificate.
func parseCertificateHeader(header, value string) *x509.Certificate {
	if len(value) > longestCertificateHeader {
		return nil
	}
	switch header {
	case HeaderClientCert:
		return byteSequence(value)
	case HeaderXFCC:
		return xfcc(value)
	default:
		return bareCertificate(value)
	}
}

// byteSequence reads an RFC 8941 byte sequence without parameters.
func byteSequence(value string) *x509.Certificate {
	inner, ok := strings.CutPrefix(value, ":")
	if !ok {
		return nil
	}
	if inner, ok = strings.CutSuffix(inner, ":"); !ok {
		return nil
	}
	return base64Certificate(inner)
}

// bareCertificate reads base64 of the DER form (HAProxy, Caddy), or the PEM form escaped for a URL (nginx, AWS).
func bareCertificate(value string) *x509.Certificate {
	if strings.HasPrefix(value, "-----BEGIN") {
		return escapedPEM(value)
	}
	return base64Certificate(value)
}

// base64Certificate wants the one spelling that an encoder writes.
func base64Certificate(text string) *x509.Certificate {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(der) != text {
		return nil
	}
	return parseCertificate(der)
}

// escapedPEM reads one PEM block with nothing around it. A plus sign is itself: it belongs to base64, and no proxy writes it for a space.
func escapedPEM(text string) *x509.Certificate {
	text, err := url.PathUnescape(text)
	if err != nil || !strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----") {
		return nil
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 || strings.TrimSpace(string(rest)) != "" {
		return nil
	}
	return parseCertificate(block.Bytes)
}

func parseCertificate(der []byte) *x509.Certificate {
	leaf, err := x509.ParseCertificate(der)
	if err != nil || len(leaf.Raw) != len(der) {
		return nil
	}
	return leaf
}

// xfcc reads the last element, which is the one that the nearest proxy
// appended; those before it are what that proxy was told. Its Cert counts. Hash alone does not: it names a
// certificate whose validity and usage nobody here can look at. If it is there it must agree.
func xfcc(value string) *x509.Certificate {
	pairs, ok := lastElement(value)
	if !ok {
		return nil
	}
	leaf := escapedPEM(pairs["Cert"])
	if leaf == nil {
		return nil
	}
	if hash, given := pairs["Hash"]; given {
		sum := sha256.Sum256(leaf.Raw)
		if !strings.EqualFold(hash, hex.EncodeToString(sum[:])) {
			return nil
		}
	}
	return leaf
}

// lastElement reads the whole value and returns the pairs of its last element.
// Cert and Hash must not be there twice.
func lastElement(value string) (map[string]string, bool) {
	pairs := map[string]string{}
	for rest := value; ; {
		key, after, found := strings.Cut(rest, "=")
		if !found || key == "" || strings.ContainsAny(key, `",;`) {
			return nil, false
		}
		text, after, ok := xfccValue(after)
		if _, twice := pairs[key]; !ok || twice && (key == "Cert" || key == "Hash") {
			return nil, false
		}
		pairs[key] = text
		if after == "" {
			return pairs, true
		}
		if after[0] == ',' {
			pairs = map[string]string{}
			after = strings.TrimLeft(after[1:], " \t")
		} else {
			after = after[1:]
		}
		rest = after
	}
}

// xfccValue reads a value, quoted or not, and returns what follows it: nothing, or text that begins with its separator.
func xfccValue(text string) (value, after string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, `,;"`)
		if end < 0 {
			return text, "", true
		}
		return text[:end], text[end:], text[end] != '"'
	}
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i++; i < len(text) {
				out.WriteByte(text[i])
			}
		case '"':
			after = text[i+1:]
			return out.String(), after, after == "" || after[0] == ',' || after[0] == ';'
		default:
			out.WriteByte(text[i])
		}
	}
	return "", "", false
}
