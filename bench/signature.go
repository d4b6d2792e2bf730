package bench

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

// signed is a token's signed text and its signature, decoded.
type signed struct{ text, signature []byte }

var errSignature = errors.New("bench: the signature does not hold")

// signatureSide does what no verification can do without.
func signatureSide(name string, m *minted) (pair.Side, error) {
	all := make([]signed, len(m.tokens))
	for i, token := range m.tokens {
		at := strings.LastIndexByte(token, '.')
		signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
		if err != nil {
			return pair.Side{}, err
		}
		all[i] = signed{text: []byte(token[:at]), signature: signature}
	}
	verify, err := rawVerify(m.public, all)
	if err != nil {
		return pair.Side{}, err
	}
	check := func() error {
		bad := all[0]
		bad.text = append([]byte{'x'}, bad.text...)
		if verify(bad) == nil {
			return errAccepted
		}
		return verify(all[0])
	}
	return pair.Side{Name: name, Do: each(all, verify), Check: check}, nil
}

func rawVerify(public any, all []signed) (func(signed) error, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return func(s signed) error {
			digest := sha256.Sum256(s.text)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], s.signature)
		}, nil
	case *ecdsa.PublicKey:
		if err := toASN1(all); err != nil {
			return nil, err
		}
		return func(s signed) error {
			digest := sha256.Sum256(s.text)
			return held(ecdsa.VerifyASN1(key, digest[:], s.signature))
		}, nil
	case ed25519.PublicKey:
		return func(s signed) error { return held(ed25519.Verify(key, s.text, s.signature)) }, nil
	}
	return nil, fmt.Errorf("bench: no signature of a %T", public)
}

// toASN1 rewrites signatures from r‖s to what the standard library takes.
func toASN1(all []signed) error {
	for i, s := range all {
		half := len(s.signature) / 2
		der, err := asn1.Marshal(struct{ R, S *big.Int }{
			new(big.Int).SetBytes(s.signature[:half]), new(big.Int).SetBytes(s.signature[half:]),
		})
		if err != nil {
			return err
		}
		all[i].signature = der
	}
	return nil
}

func held(ok bool) error {
	if !ok {
		return errSignature
	}
	return nil
}
