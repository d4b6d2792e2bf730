package echoauth_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/tokentest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// attackKey is a key of the application, with what an attacker who held it would sign with.
type attackKey struct {
	algorithm, kid string
	method         jwt.SigningMethod
	private        any
}

func (k attackKey) secret() setting.Secret { return setting.Secret(k.private.([]byte)) }

func (k attackKey) public() crypto.PublicKey { return k.private.(crypto.Signer).Public() }

func (k attackKey) mac(t testing.TB, text string) []byte {
	t.Helper()
	signature, err := k.method.Sign(text, k.private)
	require.NoError(t, err)
	return signature
}

// attackKeyFor is the key of an algorithm. Each HMAC algorithm has a secret of its own.
func attackKeyFor(t testing.TB, algorithm string) attackKey {
	t.Helper()
	signers, err := tokentest.Signers()
	require.NoError(t, err)
	key := attackKey{algorithm: algorithm, kid: "Key-" + algorithm, method: jwt.GetSigningMethod(algorithm)}
	if authn.SymmetricAlgorithm(algorithm) {
		key.private = []byte("the attacked secret for " + algorithm + ", which has more than sixty-four bytes")
	} else {
		key.private = signers[algorithm]
	}
	return key
}

// configure writes the key as an application's configuration has it.
func (k attackKey) configure(t testing.TB, dir string) authn.KeyConfig {
	t.Helper()
	cfg := authn.KeyConfig{Algorithm: k.algorithm}
	if authn.SymmetricAlgorithm(k.algorithm) {
		cfg.SecretKey = k.secret()
		return cfg
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	require.NoError(t, err)
	cfg.PrivateKeyFile = filepath.Join(dir, k.kid+".pem")
	require.NoError(t, os.WriteFile(cfg.PrivateKeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return cfg
}

// countedStore counts every look-up that an access token could cause. The
// revocation log is read in the background as well, and not counted.
type countedStore struct {
	*memstore.Store
	lookups atomic.Int64
}

func (s *countedStore) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	s.lookups.Add(1)
	return s.Store.Session(ctx, t, id)
}

func (s *countedStore) UserByID(ctx context.Context, subject authn.Subject) (authn.User, error) {
	s.lookups.Add(1)
	return s.Store.UserByID(ctx, subject)
}

func (s *countedStore) Assignments(ctx context.Context, subject authn.Subject) ([]authz.Assignment, error) {
	s.lookups.Add(1)
	return s.Store.Assignments(ctx, subject)
}

func (s *countedStore) options() fx.Option {
	return fx.Options(
		authmodule.UseSessionStore(func() session.Store { return s }),
		authmodule.UseUserStore(func() authn.UserStore { return s }),
		authmodule.UseRevocationStore(func() authn.RevocationStore { return s.Store }),
		authmodule.UseAssignmentStore(func() authz.AssignmentStore { return s }),
	)
}

// target is an application under attack. Its ring signs with one algorithm and
// verifies with every other that may stand beside it.
type target struct {
	app
	attackKey
	// ring is all of the application's keys, others all but the signing one.
	ring, others []attackKey
	store        *countedStore
	// owner has the live session that every forged token names.
	owner authn.Principal
}

func newTarget(t testing.TB, algorithm string, change ...func(*authmodule.Config)) target {
	t.Helper()
	a := target{attackKey: attackKeyFor(t, algorithm), store: &countedStore{Store: memstore.New()}}
	dir, keys := t.TempDir(), map[string]authn.KeyConfig{}
	for _, name := range authn.Algorithms() {
		if authn.SymmetricAlgorithm(name) != authn.SymmetricAlgorithm(algorithm) {
			continue
		}
		key := attackKeyFor(t, name)
		cfg := key.configure(t, dir)
		if name == algorithm {
			cfg.State = authn.KeySigning
		} else {
			a.others = append(a.others, key)
		}
		keys[key.kid] = cfg
	}
	a.ring = append([]attackKey{a.attackKey}, a.others...)
	a.app = startConfigured(t, func(c *authmodule.Config) {
		c.JWT.Algorithm, c.JWT.Keys = algorithm, keys
		for _, each := range change {
			each(c)
		}
	}, routes(guardedRoutes), a.store.options(), mounted())
	a.owner = a.Principal()
	return a
}

// serves reports whether a key of the ring has the algorithm.
func (a target) serves(algorithm string) bool {
	return slices.ContainsFunc(a.ring, func(k attackKey) bool { return k.algorithm == algorithm })
}

// edits replace members of a header or payload by the JSON text given, add
// them, or leave them out where the text is empty.
type edits map[string]string

func (a target) header(e edits) string {
	return edited([][2]string{{"alg", quoted(a.algorithm)}, {"kid", quoted(a.kid)}, {"typ", `"at+jwt"`}}, e)
}

// payload is of a token that the owner's session stands behind.
func (a target) payload(e edits) string {
	now := a.Now().Unix()
	return edited([][2]string{
		{"iss", `"authmodule"`}, {"aud", `"authmodule"`}, {"sub", quoted(a.owner.Subject.ID)}, {"tenant", quoted(string(a.owner.Subject.Tenant))},
		{"sid", quoted(a.owner.SessionID)}, {"jti", `"attack"`}, {"iat", fmt.Sprint(now)}, {"nbf", fmt.Sprint(now)},
		{"exp", fmt.Sprint(now + 1800)}, {"auth_time", fmt.Sprint(now)}, {"amr", `["pwd"]`}, {"roles", `["viewer"]`},
	}, e)
}

func edited(members [][2]string, e edits) string { return tokentest.Object(members, e) }

// quoted leaves escapes in text as they are.
func quoted(text string) string { return tokentest.Quote(text) }

func encode64(text string) string { return tokentest.Encode(text) }

// unsigned is what a signature is made over.
func unsigned(header, payload string) string { return tokentest.Unsigned(header, payload) }

// signed is a token with a valid signature of the key over whatever header and payload are.
func (k attackKey) signed(t testing.TB, header, payload string) string {
	t.Helper()
	return k.signedText(t, unsigned(header, payload))
}

func (k attackKey) signedText(t testing.TB, text string) string {
	t.Helper()
	return text + "." + encode64(string(k.mac(t, text)))
}
