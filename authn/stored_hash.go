package authn

import (
	"fmt"

	"github.com/authmodule/authmodule/internal/passwordhash"
	"github.com/authmodule/authmodule/setting"
)

// storedHash is a hash with the pepper that it was made with.
type storedHash struct {
	hash   passwordhash.Hash
	pepper pepper
}

func (h *Hasher) read(text string) (storedHash, error) {
	hash, err := passwordhash.Parse(text, h.limits)
	if err != nil {
		return storedHash{}, fmt.Errorf("authn: %w", err)
	}
	if hash.Argon2 == nil {
		return storedHash{hash: hash}, nil
	}
	pepper, known := h.peppers.all[hash.Argon2.KeyID]
	if !known {
		return storedHash{}, fmt.Errorf("authn: %w: it was made with a pepper that is not configured", errStoredHash)
	}
	return storedHash{hash: hash, pepper: pepper}, nil
}

// matches tries an imported hash with the password as it was received as well: other systems did not normalise.
func (s storedHash) matches(password setting.Secret) bool {
	text := normal(password)
	if s.hash.Matches(s.pepper.apply(text)) {
		return true
	}
	return s.hash.Argon2 == nil && text != password.Reveal() && s.hash.Matches(password.Reveal())
}

// Usable says whether Check would compute the hash, and if not, why; ask it
// before importing. Usable are, besides what Hash returns:
//
//   - argon2id and argon2i in PHC form, version 19, and Django's argon2;
//   - bcrypt ($2a$, $2b$, $2y$) with a cost up to 15, and Django's bcrypt and bcrypt_sha256. A password of more than 72
//     bytes, or with a NUL, does not match a plain bcrypt hash: bcrypt would not look at all of it;
//   - scrypt, as passlib ($scrypt$ln=16,r=8,p=1$…) and Django write it;
//   - PBKDF2 with SHA-1, SHA-256 or SHA-512, as passlib, PHC ($pbkdf2-sha256$i=…) and Django write it, with up to 5,000,000 iterations.
//
// A password with a NUL behind it matches no scrypt or PBKDF2 hash, which would not see it. At most 256 MiB of memory and 4 GiB of work (memory times passes) are spent on one hash, unless the
// configured cost is higher. A hash of any lower cost is usable: the owner's next login replaces it.
func (h *Hasher) Usable(hash string) error {
	_, err := h.read(hash)
	return err
}

// Stale reports whether the hash is usable, but not what Hash would make: by another scheme, at another cost or with another pepper.
func (h *Hasher) Stale(hash string) bool {
	stored, err := h.read(hash)
	return err == nil && (stored.hash.Argon2 == nil || *stored.hash.Argon2 != h.params)
}
