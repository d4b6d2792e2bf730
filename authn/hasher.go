package authn

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/alexedwards/argon2id"

	"github.com/authmodule/authmodule/setting"
)

// Defaults of [PasswordConfig]: the OWASP minimum with two passes.
const (
	DefaultMemoryKiB   = 19 << 10
	DefaultIterations  = 2
	DefaultParallelism = 1
	defaultQueue       = 64
)

// What a stored hash may ask for at most, whoever wrote it.
const (
	mostMemoryKiB   = 1 << 20
	mostIterations  = 64
	mostParallelism = 64
	mostKeyBytes    = 128
	leastKeyBytes   = 16
	leastSaltBytes  = 8
	longestHash     = 512
	mostWaiting     = 1_000_000
)

// errStoredHash is never told to a caller; the log has it.
var errStoredHash = errors.New("authn: stored password hash is not usable")

// Hasher hashes and checks passwords with argon2id, a bounded number at a
// time. It is safe for concurrent use.
type Hasher struct {
	params  argon2id.Params
	workers chan struct{}
	waiting chan struct{}
	// admitted are the logins that are on their way to a hash.
	admitted chan struct{}
	decoy    string
}

// NewHasher returns a Hasher. It computes one hash, the decoy that unknown accounts are checked against.
func NewHasher(cfg PasswordConfig) (*Hasher, error) {
	params, err := newParams(cfg)
	if err != nil {
		return nil, err
	}
	workers := cfg.Workers.Or(max(1, runtime.GOMAXPROCS(0)-1))
	queue := cfg.Queue.Or(defaultQueue * workers)
	if workers < 1 || workers > mostWaiting || queue < 1 || queue > mostWaiting {
		return nil, fmt.Errorf("authn: password workers and queue must be from 1 to %d", mostWaiting)
	}
	h := &Hasher{params: params, workers: make(chan struct{}, workers), waiting: make(chan struct{}, workers+queue), admitted: make(chan struct{}, workers+queue)}
	h.decoy, err = argon2id.CreateHash("decoy", &h.params)
	return h, err
}

// newParams checks the numbers before they are narrowed: 2^32+8 KiB must not become 8.
func newParams(cfg PasswordConfig) (argon2id.Params, error) {
	memory, iterations := cfg.MemoryKiB.Or(DefaultMemoryKiB), cfg.Iterations.Or(DefaultIterations)
	lanes := cfg.Parallelism.Or(DefaultParallelism)
	if lanes < 1 || lanes > mostParallelism || iterations < 1 || iterations > mostIterations || memory < 8*lanes || memory > mostMemoryKiB {
		return argon2id.Params{}, fmt.Errorf("authn: password cost is out of range (memory up to %d KiB and at least 8 for each lane, iterations and parallelism up to %d)", mostMemoryKiB, mostIterations)
	}
	return argon2id.Params{
		Memory: uint32(memory), Iterations: uint32(iterations), Parallelism: uint8(lanes), SaltLength: 16, KeyLength: 32,
	}, nil
}

// Hash returns a new PHC string for the password. It returns [ErrOverloaded]
// at once when the queue is full, and the context's error when that ends while waiting.
func (h *Hasher) Hash(ctx context.Context, password setting.Secret) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return argon2id.CreateHash(normal(password), &h.params)
}

// Check reports whether the password belongs to the hash. A hash whose stored
// cost is out of range is an error, and is not computed.
func (h *Hasher) Check(ctx context.Context, password setting.Secret, hash string) (bool, error) {
	if err := clampHash(hash); err != nil {
		return false, err
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	return argon2id.ComparePasswordAndHash(normal(password), hash)
}

// Decoy costs what Check costs with this configuration, and says nothing.
func (h *Hasher) Decoy(ctx context.Context, password setting.Secret) error {
	_, err := h.Check(ctx, password, h.decoy)
	return err
}

// admit takes a place for a login before anything is read or counted for it, as many as hashes may wait:
// what is too much is refused with [ErrOverloaded] without asking a store.
func (h *Hasher) admit() (leave func(), err error) {
	select {
	case h.admitted <- struct{}{}:
		return func() { <-h.admitted }, nil
	default:
		return nil, ErrOverloaded
	}
}

func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case h.waiting <- struct{}{}:
	default:
		return nil, ErrOverloaded
	}
	select {
	case h.workers <- struct{}{}:
		return func() { <-h.workers; <-h.waiting }, nil
	case <-ctx.Done():
		<-h.waiting
		return nil, ctx.Err()
	}
}

func clampHash(hash string) error {
	if len(hash) > longestHash {
		return errStoredHash
	}
	params, salt, key, err := argon2id.DecodeHash(hash)
	if err != nil {
		return fmt.Errorf("%w: %w", errStoredHash, err)
	}
	return clamp(*params, len(salt), len(key))
}

func clamp(p argon2id.Params, salt, key int) error {
	inRange := p.Memory <= mostMemoryKiB && p.Memory >= 8*uint32(p.Parallelism) &&
		p.Iterations >= 1 && p.Iterations <= mostIterations &&
		p.Parallelism >= 1 && p.Parallelism <= mostParallelism &&
		salt >= leastSaltBytes && key >= leastKeyBytes && key <= mostKeyBytes
	if !inRange {
		return errStoredHash
	}
	return nil
}
