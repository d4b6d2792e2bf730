package bundle_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/goleak"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/setting"

	_ "modernc.org/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func pemFile(t *testing.T, algorithm string) string {
	t.Helper()
	var key any
	var err error
	switch algorithm {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return file
}

// Every algorithm works through the module, with a configured key and without
// one. With a configured key, tokens and refresh tokens outlive a restart.
func TestEveryAlgorithmThroughTheModule(t *testing.T) {
	t.Parallel()
	for _, algorithm := range authn.Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			configured := authn.TokenConfig{Algorithm: algorithm}
			if authn.SymmetricAlgorithm(algorithm) {
				configured.SecretKey = "Zk2x0vWq8sT4nB6yJ1mC3eR5uP7aL9hDZk2x0vWq8sT4nB6yJ1mC3eR5uP7aL9hD"
			} else {
				configured.PrivateKeyFile = pemFile(t, algorithm)
			}
			for name, jwt := range map[string]authn.TokenConfig{"configured": configured, "ephemeral": {Algorithm: algorithm}} {
				data := filepath.Join(t.TempDir(), "auth.db")
				change := func(c *authmodule.Config) {
					c.JWT, c.Store = jwt, authmodule.StoreConfig{Driver: "sqlite", DSN: setting.Secret(data)}
				}
				before := fxtest.NewConfigured(t, change)
				grant := before.Grant(before.Principal())
				_, err := before.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
				require.NoError(t, err, name)
				assert.Len(t, before.TokenManager.PublicKeys().Keys, map[bool]int{true: 0, false: 1}[authn.SymmetricAlgorithm(algorithm)])

				after := fxtest.NewConfigured(t, change)
				_, err = after.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
				if name == "ephemeral" {
					assert.ErrorIs(t, err, authn.ErrTokenKey)
					continue
				}
				require.NoError(t, err)
				child, err := after.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
				require.NoError(t, err)
				_, err = after.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
				require.ErrorIs(t, err, authn.ErrRefreshReused, "the restarted node still knows its own children")
				_, err = after.Users.AuthenticateToken(t.Context(), child.AccessToken, authn.Client{})
				assert.ErrorIs(t, err, authn.ErrSessionEnded)
			}
		})
	}
}

func TestUnusableKeyIsAStartError(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		jwt      authn.TokenConfig
		expected string
	}{
		{"missing file", authn.TokenConfig{Algorithm: "ES256", PrivateKeyFile: "no-such.pem"}, "no-such.pem"},
		{"key of another algorithm", authn.TokenConfig{Algorithm: "RS256", PrivateKeyFile: pemFile(t, "ES256")}, "does not serve"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := fx.New(fx.NopLogger, authmodule.Stub(func(cfg *authmodule.Config) { cfg.JWT = c.jwt })).Err()
			assert.ErrorContains(t, err, c.expected)
		})
	}
}

type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// The application's own *slog.Logger is used when it provides one, and says what development lets pass.
func TestStartWarnsOfWhatDevelopmentLetsPass(t *testing.T) {
	t.Parallel()
	var out buffer
	app := fx.New(fx.NopLogger,
		authmodule.Configure(authmodule.Config{Profile: authmodule.ProfileDevelopment}),
		fx.Provide(func() *slog.Logger { return slog.New(slog.NewTextHandler(&out, nil)) }),
	)
	require.NoError(t, app.Err())
	assert.Contains(t, out.String(), "LEX_AUTH__JWT__SECRET_KEY")
	assert.Contains(t, out.String(), "LEX_AUTH__STORE__DRIVER")
}

// REL-29: started and stopped again and again, nothing stays.
func TestStartAndStopLeavesNothing(t *testing.T) {
	t.Parallel()
	for range 20 {
		file := filepath.Join(t.TempDir(), "auth.db")
		app := fx.New(fx.NopLogger, authmodule.Stub(func(c *authmodule.Config) {
			c.Store = authmodule.StoreConfig{Driver: "sqlite", DSN: setting.Secret(file)}
		}))
		require.NoError(t, app.Start(t.Context()))
		require.NoError(t, app.Stop(context.Background()))
	}
}

// The migration policy is configuration.
func TestMigrationPolicy(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "auth.db")
	start := func(policy string) error {
		app := fx.New(fx.NopLogger, authmodule.Stub(func(c *authmodule.Config) {
			c.Store = authmodule.StoreConfig{Driver: "sqlite", DSN: setting.Secret(file), Migrate: policy}
		}))
		if err := app.Start(t.Context()); err != nil {
			return err
		}
		return app.Stop(context.Background())
	}
	assert.ErrorContains(t, start("check"), "0001")
	assert.NoError(t, start("off"))
	assert.NoError(t, start("auto"))
	assert.NoError(t, start("check"))
}
