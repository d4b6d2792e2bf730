package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// tick is the precision that stores keep.
const tick = time.Microsecond

// testCase is one case of a port's suite; it gets a fresh, empty store.
type testCase[S any] struct {
	name string
	run  func(t *testing.T, ctx context.Context, s S)
}

func runCases[S any](t *testing.T, open func(*testing.T) S, cases []testCase[S]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			require.NotNil(t, s, "the driver has no such store")
			c.run(t, t.Context(), s)
		})
	}
}

// few and many are how many calls are made at once. Under the race detector a call costs ten times as much: there fewer are many, unless
// AUTHTEST_SOAK=1 asks for all.
const (
	few         = 20
	many        = 1000
	manyInRaces = 200
)

func callers() []int {
	if detectsRaces && os.Getenv("AUTHTEST_SOAK") != "1" {
		return []int{few, manyInRaces}
	}
	return []int{few, many}
}

// raceCases runs the case with few callers, and with many unless -short is given.
func raceCases[S any](name string, run func(t *testing.T, ctx context.Context, s S, n int)) []testCase[S] {
	var cases []testCase[S]
	for _, n := range callers() {
		cases = append(cases, testCase[S]{
			name: fmt.Sprintf("race of %d: %s", n, name),
			run: func(t *testing.T, ctx context.Context, s S) {
				if n > few && testing.Short() {
					t.Skip("-short is given")
				}
				run(t, ctx, s, n)
			},
		})
	}
	return cases
}

// race makes n calls that start at the same moment, and returns their results in order.
func race[R any](n int, call func(i int) R) []R {
	results := make([]R, n)
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			results[i] = call(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return results
}

// requireOneWinner requires that one result is nil and every other is loser.
func requireOneWinner(t *testing.T, errs []error, loser error) {
	t.Helper()
	requireWinners(t, errs, 1, loser)
}

func requireWinners(t *testing.T, errs []error, winners int, loser error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, loser)
	}
	require.Equal(t, winners, won, "calls that succeeded")
}

// call is one call of a port's method.
type call struct {
	name string
	do   func(ctx context.Context) error
}

// requireRefusesCancelled makes each call with a cancelled context and with one whose time is up, and
// requires that it fails as such and that the snapshot stays the same.
func requireRefusesCancelled(t *testing.T, snapshot func() any, calls []call) {
	t.Helper()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	before := snapshot()
	for _, c := range calls {
		assert.ErrorIs(t, c.do(cancelled), context.Canceled, c.name)
		assert.ErrorIs(t, c.do(late), context.DeadlineExceeded, c.name)
		assert.Equal(t, before, snapshot(), "%s changed something", c.name)
	}
}

// errOf drops a call's value.
func errOf[T any](_ T, err error) error { return err }

// base is the moment that the suite calls now, with microseconds that matter.
func base() time.Time { return time.Date(2026, 3, 1, 12, 30, 15, 123456000, time.UTC) }

// zone is far from UTC.
func zone() *time.Location { return time.FixedZone("far", 13*60*60+45*60) }

func subject(tenant, id string) authn.Subject {
	return authn.Subject{Tenant: authn.Tenant(tenant), ID: id}
}

// oddStrings are pairwise different values that a careless driver damages or confuses.
func oddStrings() []string {
	return []string{
		`O'Brien"; DROP TABLE authmodule_users; --`, `100%_\x00\0`, `%00`, "a", "A", "a ", " a", "ä", "a\u0308",
		"日本語", "🔑", "\u202eabc", "ß", "ss", "null", "0", "a:b", "a/b", "a,b", `["a"]`, "line\nbreak\ttab", "\u2400", "\x7f",
	}
}

// oddBytes are pairwise different texts that are not UTF-8, or hold what a
// database may not. Their place in an ordered list is the store's choice.
func oddBytes() []string {
	return []string{
		"\x00", "a\x00", "a\x00b", "\x00\x00", "\xff", "a\xff", "\xff\xff", "\xc3", "\xc3(", "\xed\xa0\x80", "\xf4\x90\x80\x80", "ä\xe4",
		"\x01", "\x0100", "\x0101", "a\x0100", "\x01\x00", "\ufffd", "\u0080", "\U0010ffff",
	}
}

// oddTexts are oddStrings, oddBytes and a long one.
func oddTexts() []string { return slices.Concat(oddStrings(), oddBytes(), []string{longID()}) }

// longID is an identifier of 1 KiB that cannot be compressed to much less.
func longID() string {
	var b strings.Builder
	for i := 0; b.Len() < 1024; i++ {
		sum := sha256.Sum256([]byte{byte(i)})
		b.WriteString(base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	return b.String()[:1024]
}

// longText is a text of 64 KiB.
func longText() string { return strings.Repeat("ü", 32*1024) }

// requireUTC requires that the times are given in UTC.
func requireUTC(t *testing.T, times ...time.Time) {
	t.Helper()
	for _, at := range times {
		require.Equal(t, time.UTC, at.Location())
	}
}

// inUTC makes equal instants equal values.
func inUTC(times ...*time.Time) {
	for _, t := range times {
		*t = t.UTC().Round(0)
	}
}

func sortedCopy(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// full makes no list and an empty list equal.
func full[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
