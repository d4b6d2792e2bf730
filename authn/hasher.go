package authn

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/authmodule/authmodule/internal/passwordhash"
	"github.com/authmodule/authmodule/setting"
)

// Defaults of [PasswordConfig]: the OWASP minimum with two passes.
const (
	DefaultMemoryKiB   = 19 << 10
	DefaultIterations  = 2
	DefaultParallelism = 1
)

const (
	mostMemoryKiB = 1 << 20
	// What a stored hash may ask for, unless the configuration itself asks for more.
	mostStoredMemoryKiB = 256 << 10
	mostStoredWork      = 4 << 20
)

// errStoredHash is never told to a caller; the log has it.
var errStoredHash = passwordhash.ErrUnusable

// Hasher hashes and checks passwords, a bounded number at a time. It makes
// argon2id hashes (RFC 9106), and checks imported ones too. It is safe for concurrent use.
type Hasher struct {
	params  passwordhash.Argon2
	limits  passwordhash.Limits
	peppers peppers
	pool    hashingPool
	decoy   string
}

// NewHasher returns a Hasher. It computes one hash, the decoy that unknown accounts are checked against.
func NewHasher(cfg PasswordConfig) (*Hasher, error) {
	params, err := newParams(cfg)
	if err != nil {
		return nil, err
	}
	pool, err := newHashingPool(cfg)
	if err != nil {
		return nil, err
	}
	peppers, err := newPeppers(cfg)
	if err != nil {
		return nil, err
	}
	params.KeyID = peppers.current.id
	h := &Hasher{params: params, peppers: peppers, pool: pool, limits: passwordhash.Limits{
		MemoryKiB: max(params.MemoryKiB, mostStoredMemoryKiB), Work: max(params.MemoryKiB*params.Passes, mostStoredWork),
	}}
	h.decoy = h.make("decoy")
	return h, nil
}

// newParams checks the numbers before they are narrowed: 2^32+8 KiB must not become 8.
func newParams(cfg PasswordConfig) (passwordhash.Argon2, error) {
	memory, passes := cfg.MemoryKiB.Or(DefaultMemoryKiB), cfg.Iterations.Or(DefaultIterations)
	lanes := cfg.Parallelism.Or(DefaultParallelism)
	if lanes < 1 || lanes > passwordhash.MostLanes || passes < 1 || passes > passwordhash.MostPasses || memory < 8*lanes || memory > mostMemoryKiB {
		return passwordhash.Argon2{}, fmt.Errorf("authn: password cost is out of range (memory up to %d KiB and at least 8 for each lane, iterations and parallelism up to %d)", mostMemoryKiB, passwordhash.MostPasses)
	}
	return passwordhash.Argon2{MemoryKiB: memory, Passes: passes, Lanes: lanes}, nil
}

// Hash returns a new PHC string for the password. It returns [ErrOverloaded]
// at once when the queue is full, and the context's error when that ends while waiting.
func (h *Hasher) Hash(ctx context.Context, password setting.Secret) (string, error) {
	release, err := h.pool.acquire(ctx, false)
	if err != nil {
		return "", err
	}
	defer release()
	return h.make(normal(password)), nil
}

// HashForStranger is [Hasher.Hash] for callers who have proved nothing yet, such as at a registration: together they take half of the pool's
// places at most, so that a flood of them leaves the other half to logins. It returns [ErrOverloaded] beyond that.
func (h *Hasher) HashForStranger(ctx context.Context, password setting.Secret) (string, error) {
	release, err := h.pool.acquireStranger(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return h.make(normal(password)), nil
}

func (h *Hasher) make(password string) string {
	salt := make([]byte, passwordhash.SaltBytes)
	_, _ = rand.Read(salt) // never fails
	return h.params.Make(h.peppers.current.apply(password), salt)
}

// Check reports whether the password belongs to the hash, and returns the errors of Hash. A hash that [Hasher.Usable]
// refuses is an error, and is not computed. Of hashes that take more memory than the configured cost, one is computed at a time.
func (h *Hasher) Check(ctx context.Context, password setting.Secret, hash string) (bool, error) {
	stored, err := h.read(hash)
	if err != nil {
		return false, err
	}
	release, err := h.pool.acquire(ctx, stored.hash.MemoryKiB > h.params.MemoryKiB)
	if err != nil {
		return false, err
	}
	defer release()
	return stored.matches(password), nil
}

// Decoy costs what Check costs with this configuration, and says nothing.
func (h *Hasher) Decoy(ctx context.Context, password setting.Secret) error {
	_, err := h.Check(ctx, password, h.decoy)
	return err
}

// admit takes a place for a login before anything is read or counted for it, as many as hashes may wait:
// what is too much is refused with [ErrOverloaded] without asking a store.
func (h *Hasher) admit() (leave func(), err error) { return h.pool.admit() }
