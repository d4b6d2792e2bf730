package authn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/authmodule/authmodule/setting"
)

// pepper keys passwords before they are hashed, so that the hashes alone
// verify nothing (NIST SP 800-63B-4). The zero value leaves passwords as they are.
type pepper struct {
	// id is stored with the hash. It is derived, and tells nothing of the secret.
	id string
	// keyed hides the key from fmt, which shows the fields of structs.
	keyed func(password string) string
}

const pepperIDSize = 6

func newPepper(secret setting.Secret) (pepper, error) {
	if secret == "" {
		return pepper{}, errors.New("authn: a pepper is empty")
	}
	key, errKey := DeriveSecret([]byte(secret.Reveal()), "password pepper")
	id, errID := DeriveSecret([]byte(secret.Reveal()), "password pepper id")
	if err := errors.Join(errKey, errID); err != nil {
		return pepper{}, err
	}
	return pepper{
		id: base64.RawStdEncoding.EncodeToString(id[:pepperIDSize]),
		keyed: func(password string) string {
			mac := hmac.New(sha256.New, key)
			_, _ = mac.Write([]byte(password))
			return string(mac.Sum(nil))
		},
	}, nil
}

func (p pepper) apply(password string) string {
	if p.keyed == nil {
		return password
	}
	return p.keyed(password)
}

// peppers are by their ids; the one of the empty id is no pepper.
type peppers struct {
	current pepper
	all     map[string]pepper
}

func newPeppers(cfg PasswordConfig) (peppers, error) {
	p := peppers{all: map[string]pepper{"": {}}}
	for _, secret := range cfg.PreviousPeppers {
		previous, err := newPepper(secret)
		if err != nil {
			return peppers{}, err
		}
		p.all[previous.id] = previous
	}
	if cfg.Pepper == "" {
		return p, nil
	}
	var err error
	if p.current, err = newPepper(cfg.Pepper); err != nil {
		return peppers{}, err
	}
	p.all[p.current.id] = p.current
	return p, nil
}
