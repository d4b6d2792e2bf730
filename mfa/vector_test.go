package mfa_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// enrolled is a service on which ada's app has that secret and is confirmed by its code at the time.
func enrolled(t testing.TB, cfg mfa.Config, secret []byte, at time.Time, code string) *fixture {
	t.Helper()
	f := fresh(t, cfg, func(d *mfa.Deps) { d.Rand = io.MultiReader(bytes.NewReader(secret), rand.Reader) })
	f.now = at
	e, err := f.EnrollTOTP(t.Context(), ada(), "ada@example.com", "")
	require.NoError(t, err)
	require.Equal(t, secret, rawSecret(t, e.Secret))
	_, err = f.ConfirmTOTP(t.Context(), ada(), e.ID, setting.Secret(code), mfa.By{})
	require.NoError(t, err, "%s at %v", code, at)
	return f
}

// TOTP-01: the vectors of RFC 6238 appendix B (with the keys of its erratum 2866), each good at its time.
func TestVectorsOfRFC6238(t *testing.T) {
	t.Parallel()
	const digits = "1234567890"
	keys := map[mfa.Algorithm][]byte{
		mfa.SHA1: []byte(strings.Repeat(digits, 2)), mfa.SHA256: []byte(strings.Repeat(digits, 4)[:32]), mfa.SHA512: []byte(strings.Repeat(digits, 7)[:64]),
	}
	for _, v := range []struct {
		at                   int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for algorithm, code := range map[mfa.Algorithm]string{mfa.SHA1: v.sha1, mfa.SHA256: v.sha256, mfa.SHA512: v.sha512} {
			t.Run(fmt.Sprint(algorithm, v.at), func(t *testing.T) {
				t.Parallel()
				cfg := mfa.Config{Algorithm: algorithm, Digits: 8, StrictTime: true}
				enrolled(t, cfg, keys[algorithm], time.Unix(v.at, 0), code)
			})
		}
	}
}

// TOTP-01: oathtool shows what is accepted here, for random secrets and times.
func TestOathtoolAgrees(t *testing.T) {
	t.Parallel()
	oathtool(t, 6, 50)
}

// TOTP-01, for a hundred thousand codes.
func TestSoakOathtoolAgrees(t *testing.T) {
	peer.Soak(t)
	oathtool(t, 200, 500)
}

func oathtool(t *testing.T, secrets, steps int) {
	t.Helper()
	program := peer.Require(t, "oathtool")
	algorithms := []mfa.Algorithm{mfa.SHA1, mfa.SHA256, mfa.SHA512}
	for i := range secrets {
		algorithm, digits := algorithms[i%3], setting.Count(6+2*(i/3%2))
		secret := make([]byte, map[mfa.Algorithm]int{mfa.SHA1: 20, mfa.SHA256: 32, mfa.SHA512: 64}[algorithm])
		_, err := rand.Read(secret)
		require.NoError(t, err)
		seconds, err := rand.Int(rand.Reader, big.NewInt(8_000_000_000))
		require.NoError(t, err)
		at := time.Unix(seconds.Int64(), 0).UTC()
		command := exec.CommandContext(t.Context(), program, "--totp="+strings.ToLower(string(algorithm)), "--digits="+strconv.Itoa(int(digits)),
			"--window="+strconv.Itoa(steps-1), "--now="+at.Format("2006-01-02 15:04:05 UTC"), "-")
		command.Stdin, command.Env = strings.NewReader(hex.EncodeToString(secret)+"\n"), append(os.Environ(), "TZ=UTC")
		out, err := command.Output()
		require.NoError(t, err)
		codes := strings.Fields(string(out))
		require.Len(t, codes, steps)
		f := enrolled(t, mfa.Config{Algorithm: algorithm, Digits: digits, StrictTime: true}, secret, at, codes[0])
		for _, code := range codes[1:] {
			f.pass(mfa.Period)
			_, err := f.Redeem(t.Context(), query(ada()), authn.FactorAnswer{Factor: mfa.NameTOTP, Code: setting.Secret(code)})
			require.NoError(t, err, "%s of %d digits, %x at %v", algorithm, digits, secret, f.clock())
		}
	}
}
