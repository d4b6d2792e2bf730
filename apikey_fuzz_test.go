package authmodule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// FuzzAPIKey: no text but the two that were handed out authenticates, and the
// store is asked about none that is not written as this module writes keys.
func FuzzAPIKey(f *testing.F) {
	store := &keyStore{Store: memstore.New()}
	app := fxtest.New(f, authmodule.UseAPIKeyStore(func() authn.APIKeyStore { return store }))
	first, second := app.APIKey(app.Principal()), app.APIKey(app.Principal())
	for _, text := range []string{
		first, second, first + "a", first[:len(first)-1], strings.ToUpper(first), first[:len(first)-4] + second[len(second)-4:], " " + first, first + "\n",
		"", "__", "sk_x_y", strings.ReplaceAll(first, "_", ""), strings.Replace(first, "_", "_.", 1), first + second,
	} {
		f.Add(text)
	}
	kind, _, _ := strings.Cut(first, "_")
	f.Fuzz(func(t *testing.T, text string) {
		before := store.reads()
		p, err := app.APIKeys.Authenticate(t.Context(), setting.Secret(text), authn.Client{})
		if err == nil {
			require.True(t, text == first || text == second)
			require.NotEmpty(t, p.Subject.ID)
			require.NotNil(t, p.Scopes)
			return
		}
		require.True(t, errors.Is(err, authn.ErrAPIKeyInvalid), "%v", err)
		require.Equal(t, authn.Principal{}, p)
		if _, err := credential.ParseChecked(kind, setting.Secret(text)); err != nil {
			require.Equal(t, before, store.reads(), "asked the store about %q", text)
		}
	})
}
