package echoauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/peer"
)

// fewestAttacks is how many tokens the list must have.
const fewestAttacks = 1000

// attack is one hostile access token. It names the rule that refuses it, and
// the code of the answer: a token that is refused for another reason proves nothing.
type attack struct{ row, name, token, code string }

// attacks collects those of one rule.
type attacks struct {
	row  string
	list []attack
	// every tells how many signed forms of a kind are taken: 1 is all, 10 one of ten.
	every, offered int
}

// skips reports whether the next form is left out.
func (l *attacks) skips() bool {
	l.offered++
	return (l.offered-1)%l.every != 0
}

func (l *attacks) add(name, code, token string) {
	l.list = append(l.list, attack{row: l.row, name: name, token: token, code: code})
}

// attackRows are the rules of the list, each with its tokens for a target.
// What a rule says of keys being loaded or published is tested elsewhere.
func attackRows() map[string]func(testing.TB, target, *attacks) {
	return map[string]func(testing.TB, target, *attacks){
		"JWT-01": attackAlgorithms, "JWT-02": attackOtherKeys, "JWT-03": attackConfusion, "JWT-04": attackWeakKeys,
		"JWT-05": attackCritical, "JWT-06": attackKeySources, "JWT-07": attackKeyIDs, "JWT-08": attackTypes,
		"JWT-09": attackIssuers, "JWT-10": attackAudiences, "JWT-11": attackClaims, "JWT-12": attackLifetimes, "JWT-13": attackFuture,
		"JWT-14": attackRevoked, "JWT-15": attackSubjects, "JWT-16": attackOtherTokens, "JWT-17": attackSerialisations,
		"JWT-18": attackCharacters, "JWT-19": attackEncodings, "JWT-20": attackSizes,
		"JWT-30": attackDuplicates, "JWT-31": attackLetterCase, "JWT-32": attackHomoglyphs, "JWT-33": attackTrailing,
		"JWT-34": attackNoObject, "JWT-35": attackClaimTypes, "JWT-36": attackBigNumbers, "JWT-37": attackSpareBits,
		"JWT-38": attackLineBreaks, "JWT-39": attackSignatures, "JWT-40": attackSalts, "JWT-41": attackRetiredKeys, "JWT-43": attackRandomKeyIDs,
	}
}

// answers holds equal failures to equal bytes, whichever application gives them.
type answers struct {
	mu sync.Mutex
	// byCode is the whole answer for a code.
	byCode map[string]string
	rows   map[string]int
	// listed tells what an algorithm's list has; distinct are the tokens of all lists, some of which several share.
	listed, distinct map[string]bool
}

func (s *answers) note(a attack, dump string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, seen := s.byCode[a.code]; seen && first != dump {
		return fmt.Errorf("another %s was answered with other bytes:\n%s\n%s", a.code, first, dump)
	}
	s.byCode[a.code] = dump
	return nil
}

// count refuses a token that is in the list already.
func (s *answers) count(a attack, algorithm string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range []string{algorithm + " " + a.token, algorithm + " " + a.row + " " + a.name} {
		if s.listed[what] {
			return errors.New("the list has this twice")
		}
		s.listed[what] = true
	}
	s.distinct[a.token] = true
	s.rows[a.row]++
	return nil
}

// TestAttackList sends some thousand hostile tokens to two guards of a real
// application for each algorithm. Each token is signed with the application's own
// key and names a live session, but for what the attack is. Every rule is tried with every
// algorithm; all its forms with HS256, ES256 and EdDSA, and some with the others: the
// race detector makes signatures slow, those on the larger curves most.
func TestAttackList(t *testing.T) {
	t.Parallel()
	attackWithAll(t, func(algorithm string) int {
		switch algorithm {
		case "HS256", "ES256", "EdDSA":
			return 1
		case "RS256":
			return 4
		case "ES384", "ES512":
			return 20
		default:
			return 10
		}
	})
}

// TestAttackListSoak tries every form with every algorithm.
func TestAttackListSoak(t *testing.T) {
	peer.Soak(t)
	t.Parallel()
	attackWithAll(t, func(string) int { return 1 })
}

func attackWithAll(t *testing.T, every func(algorithm string) int) {
	seen := &answers{byCode: map[string]string{}, rows: map[string]int{}, listed: map[string]bool{}, distinct: map[string]bool{}}
	t.Run("algorithm", func(t *testing.T) {
		for _, algorithm := range authn.Algorithms() {
			t.Run(algorithm, func(t *testing.T) {
				t.Parallel()
				a := newTarget(t, algorithm)
				a.isOpenToItsOwn(t)
				a.refusesAll(t, seen, every(algorithm))
				a.isOpenToItsOwn(t)
			})
		}
	})
	for row := range attackRows() {
		assert.NotZero(t, seen.rows[row], row)
	}
	t.Logf("%d distinct hostile tokens by %d rules, %d classes of answers", len(seen.distinct), len(seen.rows), len(seen.byCode))
	assert.GreaterOrEqual(t, len(seen.distinct), fewestAttacks)
	assert.Equal(t, []string{
		"session_ended", "token_algorithm", "token_audience", "token_expired", "token_issuer", "token_key", "token_malformed",
		"token_not_yet_valid", "token_revoked", "token_signature", "token_type",
	}, sortedKeys(seen.byCode), "the list reaches every class")
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// refusesAll sends the list.
func (a target) refusesAll(t *testing.T, seen *answers, every int) {
	t.Helper()
	for _, row := range sortedKeys(attackRows()) {
		l := attacks{row: row, every: every}
		attackRows()[row](t, a, &l)
		for _, each := range l.list {
			require.NoError(t, seen.count(each, a.algorithm), "%s %s", row, each.name)
			a.refuses(t, each, seen)
		}
	}
}

func (a target) refuses(t *testing.T, each attack, seen *answers) {
	t.Helper()
	before := a.store.lookups.Load()
	for _, path := range []string{"/in", "/optional"} {
		w := a.Do(request("GET", path, "", bearer(each.token)...))
		require.Equal(t, http.StatusUnauthorized, w.Code, "%s %s %s", each.row, each.name, path)
		require.Equal(t, each.code, problem(t, w).Code, "%s %s %s", each.row, each.name, path)
		require.NoError(t, seen.note(each, dump(t, w)), "%s %s %s", each.row, each.name, path)
	}
	if each.code == "session_ended" { // the one class that a store may have to tell
		return
	}
	require.Equal(t, before, a.store.lookups.Load(), "%s %s: looked into a store", each.row, each.name)
}

// isOpenToItsOwn is the positive control: the same keys, the same session and
// the same forger's hand make tokens that pass.
func (a target) isOpenToItsOwn(t *testing.T) {
	t.Helper()
	tokens := map[string]string{
		"issued":             a.Token(a.owner),
		"signed by hand":     a.signed(t, a.header(nil), a.payload(nil)),
		"typ in capitals":    a.signed(t, a.header(edits{"typ": `"AT+JWT"`}), a.payload(nil)),
		"typ in full":        a.signed(t, a.header(edits{"typ": `"application/at+jwt"`}), a.payload(nil)),
		"audience in a list": a.signed(t, a.header(nil), a.payload(edits{"aud": `["authmodule"]`})),
		"space around":       a.signed(t, " "+a.header(nil)+" ", "\n"+a.payload(nil)+"\t"),
		"unknown members":    a.signed(t, a.header(edits{"x": "1"}), a.payload(edits{"x": `{"y":[{}]}`})),
		"within the leeway":  a.signed(t, a.header(nil), a.payload(edits{"iat": fmt.Sprint(a.Now().Unix() + 29)})),
		"for a day":          a.signed(t, a.header(nil), a.payload(edits{"exp": fmt.Sprint(a.Now().Unix() + 24*3600)})),
		"1 KiB of header":    a.signed(t, a.header(edits{"x": quoted(strings.Repeat("y", 1<<10))}), a.payload(nil)),
		"5 KiB of payload":   a.signed(t, a.header(nil), a.payload(edits{"x": quoted(strings.Repeat("y", 5<<10))})),
	}
	for _, other := range a.others {
		tokens["signed with "+other.kid] = other.signed(t, a.header(edits{"alg": quoted(other.algorithm), "kid": quoted(other.kid)}), a.payload(nil))
	}
	before := a.store.lookups.Load()
	for name, token := range tokens {
		for _, path := range []string{"/in", "/optional"} {
			w := a.Do(request("GET", path, "", bearer(token)...))
			require.Equal(t, http.StatusOK, w.Code, "%s %s: %s", name, path, w.Body)
			require.Equal(t, a.owner.Subject.ID, w.Body.String(), name)
		}
	}
	require.Greater(t, a.store.lookups.Load(), before, "a token that passes is looked up when it is first seen")
}
