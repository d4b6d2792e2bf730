package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
)

// spellings are those of one address: in any case, and in letters that look alike (NFKC).
func spellings(email string) []string {
	fullWidth := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && r != '@' && r != '.' {
			return r - '!' + '！'
		}
		return r
	}, email)
	bold := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + '𝐚'
		}
		return r
	}, email)
	return []string{email, strings.ToUpper(email), strings.ToUpper(email[:1]) + email[1:], fullWidth, strings.ToUpper(fullWidth), bold}
}

// noSpellings are no addresses, however much they look like one.
func noSpellings(email string) []string {
	return []string{" " + email, email + " ", "\t" + email, email + "\u200b", "\u00a0" + email, strings.Replace(email, "@", " @", 1), email + "\x00"}
}

// from sends a login from a network of its own.
func (n *nodes) from(i int, email, secret string) reply {
	body := fmt.Sprintf(`{"email":%s,"password":%q}`, quoted(email), secret)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, n.programs[i%len(n.programs)].base+"/auth/login", bytes.NewBufferString(body))
	if err != nil {
		return reply{err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", i>>8&0xff, i&0xff))
	response, err := n.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, text, err}
}

// guesses has that many guesses at one account made over all nodes, in all spellings. The last of each sixteen has the right password, in what is no spelling.
func guesses(t *testing.T, n *nodes, all int) {
	t.Helper()
	const email = "guessed@example.com"
	n.account(t, email)
	spelled, wrong := spellings(email), noSpellings(email)
	began, callers := time.Now(), min(all, 1500)
	replies := make([]reply, all)
	together(callers, func(caller int) struct{} {
		for i := caller; i < all; i += callers {
			if i%16 == 15 {
				replies[i] = n.from(i, wrong[i/16%len(wrong)], password)
			} else {
				replies[i] = n.from(i, spelled[i%len(spelled)], fmt.Sprint("a guess, the one with the number ", i))
			}
		}
		return struct{}{}
	})
	outcomes, checked := map[string]int{}, 0
	for i, r := range replies {
		require.NoError(t, r.err)
		kind := "guess "
		if i%16 == 15 {
			kind = "no address "
		} else if r.status == http.StatusUnauthorized {
			checked++
		}
		outcomes[kind+fmt.Sprint(r.status, " ", r.text("code"))]++
	}
	t.Logf("%d guesses in %v: %v; %d passwords of the account checked", all, time.Since(began).Round(time.Millisecond), outcomes, checked)
	assert.LessOrEqual(t, checked, 5)
	assert.Positive(t, checked)
	for outcome := range outcomes {
		assert.NotContains(t, outcome, "200")
	}
	for i := range n.programs {
		locked := n.from(i, email, password)
		assert.Equal(t, http.StatusTooManyRequests, locked.status, "%v", locked)
	}
}

func guessNodes(t *testing.T, all int) {
	t.Helper()
	env := []string{"LEX_AUTH__LOGIN_RATE_LIMIT=5/hour", "LEX_AUTH__HTTP__TRUSTED_PROXIES=127.0.0.1/32"}
	onNodes(t, env, func(t *testing.T, n *nodes) { guesses(t, n, all) })
}

// THR-01, THR-02, original items 32 and 36, in a form that every run has time for: three programs count as one.
func TestGuessesOverPrograms(t *testing.T) {
	t.Parallel()
	guessNodes(t, 160)
}

// THR-01, THR-02, original items 32 and 36: of 10,000 guesses over three programs, in all spellings and each from a network of its own, five are looked at.
func TestSoakGuessesOverPrograms(t *testing.T) {
	peer.Soak(t)
	guessNodes(t, 10_000)
}

// quoted is JSON of a text, whatever is in it.
func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}
