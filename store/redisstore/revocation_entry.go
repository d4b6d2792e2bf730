package redisstore

import (
	"strconv"
	"strings"
	"time"

	"github.com/authmodule/authmodule/authn"
)

func encodeEntry(e authn.Revocation) (string, error) {
	w := &writer{}
	w.byte(version)
	w.int(e.Until.UnixMicro())
	for _, text := range []string{string(e.Kind), string(e.Tenant), e.ID} {
		w.text(text)
	}
	return w.done()
}

func decodeEntry(blob string) (authn.Revocation, error) {
	in := &reader{s: blob, bad: len(blob) > largest}
	if v := in.byte(); !in.bad && v != version {
		return authn.Revocation{}, errVersion
	}
	e := authn.Revocation{Until: time.UnixMicro(in.int()).UTC(), Kind: authn.RevocationKind(in.text()), Tenant: authn.Tenant(in.text()), ID: in.text()}
	if err := in.done(); err != nil {
		return authn.Revocation{}, err
	}
	return e, nil
}

// position reads the ID of a stream's entry.
func position(id string) (int64, error) {
	text, found := strings.CutSuffix(id, "-0")
	n, err := strconv.ParseInt(text, 10, 64)
	if !found || err != nil {
		return 0, errMalformed
	}
	return n, nil
}
