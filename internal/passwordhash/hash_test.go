package passwordhash_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/passwordhash"
)

func limits() passwordhash.Limits { return passwordhash.Limits{MemoryKiB: 1 << 18, Work: 1 << 22} }

func parse(t testing.TB, text string) passwordhash.Hash {
	t.Helper()
	hash, err := passwordhash.Parse(text, limits())
	require.NoError(t, err, text)
	return hash
}

const peerPassword = "pässwörd ☃ correct horse"

// peerHashes are of peerPassword, made by Django 3.2.25, passlib 1.7.4, bcrypt 3.2.2 and Python's hashlib.
func peerHashes() map[string]string {
	return map[string]string{
		"Django PBKDF2":         "pbkdf2_sha256$1000$4X4mdTh5GTsihfrA2m6tOL$Dl5g4wboLrcZ9u1QPpg3dJQAtP4Uq7Qch3AQBR7t4Ls=",
		"Django PBKDF2 SHA-1":   "pbkdf2_sha1$1000$70ZwlxLg1bP0EPcGnaMGEA$MpYfkFyTCiYuXQfAldW3JHgtrkw=",
		"Django argon2":         "argon2$argon2id$v=19$m=64,t=1,p=2$RmpIU2paWUI0c3Y2a3ZLM3duU21tSA$3VRP9Blx5kBphLk6ncA3+g",
		"Django bcrypt SHA-256": "bcrypt_sha256$$2b$05$yDzJO.MtEWivtPjHLNdCrOZj6/0aRNM9glt1qy27Up8MR4bxZC2tG",
		"Django bcrypt":         "bcrypt$$2b$05$mwkd936ToogLBVoO1twyuOkV499i4gSyhZpwNJawDyvLJgFab1I6W",
		"Django scrypt, form of": "scrypt$16$c2FsdHNhbHQ0Mg$8$2$" +
			"i0CgZxHdClKGdiTELy1gEhcgHlDmJ/McAcyhRi9YwdChFsSpeS7yLfsz/aWFDXfngXQLN7pGQYgJN+DgXuoZcA==",
		"PHC PBKDF2":             "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyBvaw$eY3Z7hRamLhtiAkiHpb08O2eVhexuYLiH96QhIZT7Dw",
		"PHC PBKDF2, no length":  "$pbkdf2-sha256$i=1000$c2l4dGVlbiBieXRlcyBvaw$eY3Z7hRamLhtiAkiHpb08O2eVhexuYLiH96QhIZT7Dw",
		"passlib PBKDF2 SHA-1":   "$pbkdf2$1000$EcJY633PGaOUslZKqTWmtA$TyGjzN64mL1QCxHTI3mUnNstoZg",
		"passlib PBKDF2 SHA-256": "$pbkdf2-sha256$1000$m1PqPcd4733PGcNYa.29dw$JqeamuXX9lHjBun/Nfd75I26BbHJaPMc3WNYXFnwUXE",
		"passlib PBKDF2 SHA-512": "$pbkdf2-sha512$1000$mpMyBoDQmrNWqlWKsXYOoQ$.5gLP6xHDLx3q7YpaUEGMvi7hQ7byvwfsH0LhauGlsjmpNANBfV9IRNtJK0P8ivjrAKGrpK9cXE805sUNOQKyw",
		"passlib scrypt":         "$scrypt$ln=4,r=8,p=2$HcO4FyLE+H9vbY3RGkNoTQ$rmdBAI4Tg5cyH0TO0gCLIgnEqWxQ9N8pbAxWW6+69HU",
		"passlib argon2id":       "$argon2id$v=19$m=64,t=2,p=1$r3XO2bv3XmvtXWvNea91rg$f9A4VsZaqxydSPJiTGv4dg",
		"passlib argon2i":        "$argon2i$v=19$m=64,t=2,p=1$zfn/f6+VspZS6n1PCaEUAg$vHn9z0ofRvZN+JvmxTS03w",
		"bcrypt 2a":              "$2a$05$kjhcPJUN7k/U9glb3/D2L.0rDjG08yisY0jlRRhvNWyr86tHY.78S",
		"bcrypt 2b":              "$2b$05$/mhHtgy6yE36lpD0zu/1n.1DOpliTyddvUW.eqPzniGHP7vZgG8my",
		"bcrypt 2y":              "$2y$05$/mhHtgy6yE36lpD0zu/1n.1DOpliTyddvUW.eqPzniGHP7vZgG8my",
	}
}

func TestHashesOfPeersMatch(t *testing.T) {
	t.Parallel()
	for name, text := range peerHashes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hash := parse(t, text)
			assert.True(t, hash.Matches(peerPassword))
			for _, other := range []string{"", "pässwörd ☃ correct hors", peerPassword + " ", peerPassword + "\x00", strings.ToUpper(peerPassword), "x" + peerPassword} {
				assert.False(t, hash.Matches(other), other)
			}
			assert.Nil(t, hash.Argon2, "none is of the form that this module makes")
		})
	}
}

// A hash that was cut, lengthened or changed is refused or does not match.
func TestChangedHashesDoNotMatch(t *testing.T) {
	t.Parallel()
	for name, text := range peerHashes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := len(text) - 6
			changed := byte('x')
			if text[end] == changed {
				changed = 'y'
			}
			others := []string{text + "A", text[:end] + string(changed) + text[end+1:]}
			if !strings.Contains(name, "PBKDF2") { // where a part of a key is a shorter key
				others = append(others, text[:end])
			}
			for _, other := range others {
				hash, err := passwordhash.Parse(other, limits())
				if err != nil {
					require.ErrorIs(t, err, passwordhash.ErrUnusable)
					assert.NotContains(t, err.Error(), text[end-8:end], "the error shows the hash")
					continue
				}
				assert.False(t, hash.Matches(peerPassword), other)
			}
		})
	}
}

// V6.2.8: bcrypt takes 72 bytes of a password, and repeats it with a NUL behind it. What it would take for another password does not match.
func TestV628BcryptTakesWholePasswordsOnly(t *testing.T) {
	t.Parallel()
	const of80 = "$2b$04$Wrgw3Hnyw98ocaFz.vUZiOqgZ3Jb6ZqRvHaJfgSgvQtt9yhrSTI1y" // of eight times 0123456789
	eighty := strings.Repeat("0123456789", 8)
	hash := parse(t, of80)
	assert.True(t, hash.Matches(eighty[:72]), "bcrypt itself looks at 72 bytes")
	for _, password := range []string{eighty[:71], eighty[:73], eighty, eighty + "x", eighty[:72] + "\x00", eighty[:71] + "\x00"} {
		assert.False(t, hash.Matches(password), password)
	}
	const ofA = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe" // of "a", from jBCrypt
	hash = parse(t, ofA)
	assert.True(t, hash.Matches("a"))
	for _, password := range []string{"a\x00a", "a\x00", "a\x00a\x00a", "", "\x00", "aa", "A"} {
		assert.False(t, hash.Matches(password), "%q", password)
	}
	hash = parse(t, "bcrypt_sha256$$2b$05$yDzJO.MtEWivtPjHLNdCrOZj6/0aRNM9glt1qy27Up8MR4bxZC2tG")
	assert.False(t, hash.Matches(peerPassword+"\x00"+peerPassword))
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const salt, key = "c2FsdHNhbHRzYWx0c2FsdA", "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U"
	for name, text := range map[string]string{
		"argon2d":                             "$argon2d$v=19$m=64,t=2,p=1$yPl/T+l9D6G0FgKA8F7L2Q$KfB1LgrWi1FNtiH0WIv/0w",
		"argon2i with a pepper":               "$argon2i$v=19$m=64,t=1,p=1,keyid=AAAAAAAA$" + salt + "$" + key,
		"a pepper's long name":                "$argon2id$v=19$m=64,t=1,p=1,keyid=AAAAAAAAA$" + salt + "$" + key,
		"a pepper's empty name":               "$argon2id$v=19$m=64,t=1,p=1,keyid=$" + salt + "$" + key,
		"a pepper, and another length":        "$argon2id$v=19$m=64,t=1,p=1,keyid=AAAAAAAA$c2FsdHNhbHQ$" + key,
		"associated data":                     "$argon2id$v=19$m=64,t=1,p=1,data=AAAA$" + salt + "$" + key,
		"a sign":                              "$argon2id$v=19$m=+64,t=1,p=1$" + salt + "$" + key,
		"a leading zero":                      "$argon2id$v=19$m=064,t=1,p=1$" + salt + "$" + key,
		"argon2 twice":                        "argon2argon2$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"bcrypt 2x":                           "$2x$05$/mhHtgy6yE36lpD0zu/1n.1DOpliTyddvUW.eqPzniGHP7vZgG8my",
		"bcrypt of cost 16":                   "$2b$16$/mhHtgy6yE36lpD0zu/1n.1DOpliTyddvUW.eqPzniGHP7vZgG8my",
		"bcrypt of cost 31":                   "$2b$31$/mhHtgy6yE36lpD0zu/1n.1DOpliTyddvUW.eqPzniGHP7vZgG8my",
		"bcrypt of cost 3":                    "$2b$03$/mhHtgy6yE36lpD0zu/1n.1DOpliTyddvUW.eqPzniGHP7vZgG8my",
		"bcrypt of no cost":                   "$2b$/.$/mhHtgy6yE36lpD0zu/1n.1DOpliTyddvUW.eqPzniGHP7vZgG8my",
		"bcrypt with other letters":           "$2b$05$=mhHtgy6yE36lpD0zu/1n.1DOpliTyddvUW.eqPzniGHP7vZgG8my",
		"Django bcrypt of nothing":            "bcrypt$",
		"Django bcrypt of another":            "bcrypt$argon2$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"scrypt of 512 MiB":                   "$scrypt$ln=19,r=8,p=1$" + salt + "$" + key,
		"scrypt of too much work":             "$scrypt$ln=17,r=8,p=64$" + salt + "$" + key,
		"scrypt of 2^25":                      "$scrypt$ln=25,r=1,p=1$" + salt + "$" + key,
		"scrypt of 2^0":                       "$scrypt$ln=0,r=8,p=1$" + salt + "$" + key,
		"Django scrypt, not a power":          "scrypt$17$saltsalt$8$1$a2V5a2V5a2V5a2V5a2V5a2V5a2V5",
		"Django scrypt, short salt":           "scrypt$16$salt$8$1$a2V5a2V5a2V5a2V5a2V5a2V5a2V5",
		"PBKDF2 of 5,000,001":                 "$pbkdf2-sha256$5000001$" + salt + "$" + key,
		"PBKDF2 of many blocks":               "pbkdf2_sha1$4000000$saltsalt$" + strings.Repeat("a2V5", 10),
		"PBKDF2 of none":                      "$pbkdf2-sha256$0$" + salt + "$" + key,
		"PBKDF2 with MD5":                     "$pbkdf2-md5$1000$" + salt + "$" + key,
		"PHC PBKDF2 of another length":        "$pbkdf2-sha256$i=1000,l=33$" + salt + "$" + key,
		"PHC PBKDF2 with the length first":    "$pbkdf2-sha256$l=32,i=1000$" + salt + "$" + key,
		"PHC PBKDF2 with a point":             "$pbkdf2-sha256$i=1000$" + salt + "$" + strings.Replace(key, "a", ".", 1),
		"Django PBKDF2, no key":               "pbkdf2_sha256$1000$saltsalt$",
		"MD5":                                 "md5$saltsalt$5f4dcc3b5aa765d61d8327deb882cf99",
		"crypt's SHA-512":                     "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaxHg9gWh/",
		"nothing":                             "",
		"Django's mark of an unusable hash":   "!0123456789012345678901234567890123456789",
		"513 bytes":                           "$2b$05$" + strings.Repeat("a", 506),
		"a line break, which base64 skips":    "$argon2id$v=19$m=64,t=1,p=1$" + salt + "\n$" + key,
		"a line break in the pepper's name":   "$argon2id$v=19$m=64,t=1,p=1,keyid=AAAAAAA\n$" + salt + "$" + key,
		"a return in a key":                   "$pbkdf2-sha256$1000$" + salt + "$\r" + key,
		"more passes than 64 in an argon2":    "$argon2id$v=19$m=64,t=65,p=1$" + salt + "$" + key,
		"a number that no machine can hold":   "$pbkdf2-sha256$99999999999999999999$" + salt + "$" + key,
		"a memory of one and more than it is": "$scrypt$ln=24,r=64,p=64$" + salt + "$" + key,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hash, err := passwordhash.Parse(text, limits())
			require.ErrorIs(t, err, passwordhash.ErrUnusable)
			assert.Zero(t, hash.MemoryKiB)
		})
	}
}

func TestMakeIsParsed(t *testing.T) {
	t.Parallel()
	salt := []byte("0123456789abcdef")
	for _, params := range []passwordhash.Argon2{{MemoryKiB: 64, Passes: 1, Lanes: 1}, {MemoryKiB: 512, Passes: 3, Lanes: 64, KeyID: "Ab/+0000"}} {
		text := params.Make("password", salt)
		hash := parse(t, text)
		require.NotNil(t, hash.Argon2)
		assert.Equal(t, params, *hash.Argon2)
		assert.Equal(t, params.MemoryKiB, hash.MemoryKiB)
		assert.True(t, hash.Matches("password"))
		assert.False(t, hash.Matches("passwore"))
	}
}

// Whatever is stored, nothing above the limits is computed, and what is accepted is spelled in one way.
func FuzzParse(f *testing.F) {
	for _, text := range peerHashes() {
		f.Add(text)
	}
	f.Add("$argon2id$v=19$m=64,t=1,p=1,keyid=AAAAAAAA$c2FsdHNhbHRzYWx0c2FsdA$a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U")
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := passwordhash.Parse(text, limits())
		if err != nil {
			require.ErrorIs(t, err, passwordhash.ErrUnusable)
			return
		}
		require.LessOrEqual(t, len(text), passwordhash.Longest)
		require.Positive(t, hash.MemoryKiB)
		require.LessOrEqual(t, hash.MemoryKiB, limits().MemoryKiB)
		if a := hash.Argon2; a != nil {
			require.LessOrEqual(t, a.MemoryKiB*a.Passes, limits().Work)
			expected := fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d", a.MemoryKiB, a.Passes, a.Lanes)
			if a.KeyID != "" {
				expected += ",keyid=" + a.KeyID
			}
			require.True(t, strings.HasPrefix(text, expected+"$"), expected)
		}
	})
}
