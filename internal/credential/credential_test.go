package credential_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

func newCredential(t testing.TB, kind, tenant string, size int) credential.Credential {
	t.Helper()
	id, err := credential.NewID(rand.Reader, tenant, "user-1")
	require.NoError(t, err)
	secret := make([]byte, size)
	_, err = rand.Read(secret)
	require.NoError(t, err)
	return credential.Credential{Kind: kind, ID: id, Secret: secret}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{"", "acme", "a", strings.Repeat("t", 63), "a-b-0"} {
		for _, size := range []int{credential.SecretSize, credential.SecretSize + 4, credential.SecretSize + 8, 64} {
			c := newCredential(t, "rt", tenant, size)
			text := c.Encode()
			parsed, err := credential.Parse("rt", text)
			require.NoError(t, err)
			assert.Equal(t, c, parsed)
			assert.Equal(t, text, parsed.Encode())
			assert.Equal(t, tenant, parsed.Tenant())
		}
	}
}

func TestNewSecret(t *testing.T) {
	t.Parallel()
	one, err := credential.NewSecret(rand.Reader)
	require.NoError(t, err)
	two, err := credential.NewSecret(rand.Reader)
	require.NoError(t, err)
	assert.Len(t, one, credential.SecretSize)
	assert.NotEqual(t, one, two)
	_, err = credential.NewSecret(bytes.NewReader(make([]byte, credential.SecretSize-1)))
	require.Error(t, err, "a short read is no secret")
}

func TestNewDigits(t *testing.T) {
	t.Parallel()
	code, err := credential.NewDigits(bytes.NewReader(make([]byte, 64)), 8)
	require.NoError(t, err)
	assert.EqualValues(t, "00000000", code.Reveal(), "zeros in front are part of it")
	seen := map[string]bool{}
	for range 100 {
		code, err := credential.NewDigits(rand.Reader, 8)
		require.NoError(t, err)
		assert.Regexp(t, "^[0-9]{8}$", code.Reveal())
		seen[code.Reveal()] = true
	}
	assert.Greater(t, len(seen), 90)
	_, err = credential.NewDigits(bytes.NewReader(nil), 8)
	assert.Error(t, err)
}

func TestNewID(t *testing.T) {
	t.Parallel()
	const tag = 8
	id := func(tenant, subject string) string {
		id, err := credential.NewID(rand.Reader, tenant, subject)
		require.NoError(t, err)
		return id
	}
	one, two, other, elsewhere := id("acme", "u1"), id("acme", "u1"), id("acme", "u2"), id("globex", "u1")
	assert.NotEqual(t, one, two)
	prefix := one[:len("acme.")+tag]
	assert.True(t, strings.HasPrefix(two, prefix), "records of a subject share its tag")
	assert.False(t, strings.HasPrefix(other, prefix))
	assert.NotEqual(t, one[len("acme."):][:tag], elsewhere[len("globex."):][:tag], "the tag is of tenant and subject")
	assert.NotEqual(t, id("", "x\x00y")[:tag], id("x", "y")[len("x."):][:tag], "subjects are kept apart from tenants")
	_, err := credential.NewID(bytes.NewReader(make([]byte, 15)), "", "u1")
	require.Error(t, err)
}

// One record has one spelling.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	c := newCredential(t, "cs", "", credential.SecretSize)
	good, id := c.Encode().Reveal(), c.ID
	secret := good[len("cs_")+len(id)+1:]
	tenanted := newCredential(t, "cs", "acme", credential.SecretSize).Encode().Reveal()
	with := func(id, secret string) string { return "cs_" + id + "_" + secret }
	for name, have := range map[string]string{
		"nothing": "", "a word": "x", "two parts": "cs_" + id, "four parts": good + "_x", "empty parts": "__", "many underscores": strings.Repeat("_", 200),
		"other kind": "rt" + good[2:], "kind in upper case": "CS" + good[2:], "no kind": good[2:], "kind and more": "cs2" + good[2:], "space in front": " " + good, "space behind": good + " ", "newline behind": good + "\n",
		"newline in the secret": with(id, secret[:10]+"\n"+secret[10:]), "CR in the secret": with(id, secret[:1]+"\r"+secret[1:]), "NUL behind": good + "\x00", "padding": good + "====",
		"upper case": strings.ToUpper(good), "secret in upper case": with(id, strings.ToUpper(secret)), "ID in upper case": with(strings.ToUpper(id), secret),
		"one character less": good[:len(good)-1], "no secret": with(id, ""), "secret of 31 bytes": with(id, newCredential(t, "cs", "", 31).Encode().Reveal()[len("cs_")+len(id)+1:]),
		"other alphabet": with(id, strings.Repeat("0", len(secret))), "other alphabet 1": with(id, "1"+secret[1:]), "spare bits in the secret": with(id, secret[:len(secret)-1]+"b"), "spare bits in the ID": with(id[:len(id)-1]+"b", secret),
		"no ID": with("", secret), "short ID": with(id[:len(id)-1], secret), "long ID": with(id+"a", secret), "newline in the ID": with(id[:20]+"\n"+id[20:], secret), "tag alone": with(id[:8], secret), "no tag": with(id[8:], secret),
		"newlines for a tag": with("\n\n\n\n\n\n\n\n"+id[8:], secret), "braces in the tag": with("{aaaaaa}"+id[8:], secret), "NUL in the tag": with("\x00"+id[1:], secret), "upper case in the tag": with("A"+id[1:], secret), "dot in the tag": with("acme.aaa.aaaa"+id[8:], secret),
		"empty tenant": with("."+id, secret), "tenant of other form": with("Acme."+id, secret), "tenant with hyphen first": with("-a."+id, secret), "long tenant": with(strings.Repeat("t", 64)+"."+id, secret), "two tenants": with("a.b."+id, secret),
		"tenant with newline": strings.Replace(tenanted, "acme", "ac\nme", 1), "not UTF-8": with(id, "\xff"+secret[1:]), "too long": good + strings.Repeat("a", 257), "a megabyte": strings.Repeat("a", 1<<20),
		"encoded": strings.ReplaceAll(good, "_", "%5F"), "quotes": `"` + good + `"`, "unicode look-alike": strings.Replace(good, "cs", "с"+"s", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parsed, err := credential.Parse("cs", setting.Secret(have))
			require.ErrorIs(t, err, credential.ErrMalformed, "%q", have)
			assert.Equal(t, credential.Credential{}, parsed)
		})
	}
	_, err := credential.Parse("cs", setting.Secret(good))
	require.NoError(t, err)
}

func TestValidTenant(t *testing.T) {
	t.Parallel()
	for text, expected := range map[string]bool{
		"a": true, "0": true, "acme": true, "a-b": true, "a-": true, strings.Repeat("t", 63): true,
		"": false, "-a": false, "A": false, "a_b": false, "a.b": false, "a b": false, "é": false, "a\n": false, strings.Repeat("t", 64): false,
	} {
		assert.Equal(t, expected, credential.ValidTenant(text), "%q", text)
	}
}

func TestHashIsSHA256(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("secret"))
	assert.Equal(t, sum[:], credential.Hash([]byte("secret")))
}

func TestCredentialPrintsNoSecret(t *testing.T) {
	t.Parallel()
	c := newCredential(t, "cs", "acme", credential.SecretSize)
	copy(c.Secret, "hunter2 hunter2 hunter2 hunter2 ")
	encoded := c.Encode().Reveal()[len("cs_")+len(c.ID)+1:]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%X", "%t"} {
		for _, holder := range []any{c, &c, []credential.Credential{c}, map[string]credential.Credential{"c": c}, struct{ C credential.Credential }{c}} {
			printed := fmt.Sprintf(verb, holder)
			assert.NotContains(t, printed, "hunter2")
			assert.NotContains(t, printed, "104 117 110")
			assert.NotContains(t, strings.ToLower(printed), fmt.Sprintf("%x", "hunter2"))
			assert.NotContains(t, printed, encoded)
		}
	}
	assert.Equal(t, "cs_"+c.ID+"_[redacted]", fmt.Sprint(c))
	text, err := json.Marshal(c)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "Secret")
}

// FuzzParse: what is accepted is what Encode writes, byte for byte.
func FuzzParse(f *testing.F) {
	c := newCredential(f, "cs", "", credential.SecretSize)
	good := c.Encode().Reveal()
	for _, seed := range []string{
		good, newCredential(f, "cs", "acme", credential.SecretSize).Encode().Reveal(), newCredential(f, "rt", "acme", 40).Encode().Reveal(),
		good + "\n", good[:40] + "\r\n" + good[40:], strings.ToUpper(good), "cs_." + c.ID + good[len("cs_")+len(c.ID):], "cs__", "", strings.Repeat("_", 300),
	} {
		f.Add("cs", seed)
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		parsed, err := credential.Parse(kind, setting.Secret(text))
		digest, errDigest := credential.ParseDigest(kind, setting.Secret(text))
		require.Equal(t, err == nil && len(parsed.Secret) == credential.SecretSize, errDigest == nil)
		if errDigest == nil {
			require.Equal(t, credential.Hash(parsed.Secret), digest.Hash[:])
		}
		if err != nil {
			require.ErrorIs(t, err, credential.ErrMalformed)
			require.Equal(t, credential.Credential{}, parsed)
			return
		}
		require.Equal(t, text, parsed.Encode().Reveal())
		require.Equal(t, kind, parsed.Kind)
		require.GreaterOrEqual(t, len(parsed.Secret), credential.SecretSize)
		require.True(t, parsed.Tenant() == "" || credential.ValidTenant(parsed.Tenant()))
		require.NotContains(t, parsed.ID, "\n")
	})
}

// ParseDigest accepts what Parse does of secrets of the usual size, and finds the same.
func TestParseDigest(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{"", "acme"} {
		id, err := credential.NewID(rand.Reader, tenant, "ada")
		require.NoError(t, err)
		secret, err := credential.NewSecret(rand.Reader)
		require.NoError(t, err)
		text := credential.Credential{Kind: "cs", ID: id, Secret: secret}.Encode()
		d, err := credential.ParseDigest("cs", text)
		require.NoError(t, err)
		assert.Equal(t, id, d.ID)
		assert.Equal(t, tenant, d.Tenant())
		assert.Equal(t, credential.Hash(secret), d.Hash[:])

		longer := credential.Credential{Kind: "cs", ID: id, Secret: append(secret, 1)}.Encode()
		for _, bad := range []setting.Secret{"", "cs", text + "a", text[:len(text)-1], "rt" + text[2:], longer, text[1:]} {
			_, err := credential.ParseDigest("cs", bad)
			assert.ErrorIs(t, err, credential.ErrMalformed, bad.Reveal())
		}
	}
}
