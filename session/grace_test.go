package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

const (
	grace = 10 * time.Second
	tick  = time.Microsecond
)

func graced() session.Config { return session.Config{RefreshGraceSeconds: 10} }

// rotate exchanges a token and counts the calls of issue.
func (f *fixture) rotate(t *testing.T, refresh setting.Secret) (next setting.Secret, issued int, err error) {
	t.Helper()
	_, next, err = f.Rotate(t.Context(), refresh, authn.Client{}, func(authn.Session) error {
		issued++
		return nil
	})
	return next, issued, err
}

func (f *fixture) mustRotate(t *testing.T, refresh setting.Secret) setting.Secret {
	t.Helper()
	next, issued, err := f.rotate(t, refresh)
	require.NoError(t, err)
	require.Equal(t, 1, issued, "a fresh access token each time")
	return next
}

func (f *fixture) requireRefused(t *testing.T, refresh setting.Secret, expected error) {
	t.Helper()
	next, issued, err := f.rotate(t, refresh)
	require.ErrorIs(t, err, expected)
	assert.Zero(t, issued, "nothing is issued")
	assert.Empty(t, next)
}

func (f *fixture) record(t *testing.T, id string) session.Record {
	t.Helper()
	r, err := f.store.Session(t.Context(), "", id)
	require.NoError(t, err)
	return r
}

// REF-04: replay of the immediate parent returns the same child, exactly as long as the window is open.
func TestGraceWindow(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		seconds  setting.Count
		after    time.Duration
		expected error
	}{
		{"at once", 10, 0, nil},
		{"the last microsecond", 10, grace - tick, nil},
		{"at the end", 10, grace, authn.ErrRefreshReused},
		{"a microsecond late", 10, grace + tick, authn.ErrRefreshReused},
		{"much later", 10, 6 * day, authn.ErrRefreshReused},
		{"a short window", 1, time.Second - tick, nil},
		{"at the end of a short one", 1, time.Second, authn.ErrRefreshReused},
		{"a call that crossed the rotation", 10, -tick, nil},
		{"no window at once", 0, 0, authn.ErrRefreshReused},
		{"no window, crossed", 0, -tick, authn.ErrRefreshReused},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, session.Config{RefreshGraceSeconds: c.seconds})
			opened, parent := f.open(t, ada, authn.CarrierToken)
			rotatedAt := start.Add(time.Hour)
			f.now = rotatedAt
			child := f.mustRotate(t, parent)
			f.now = rotatedAt.Add(c.after)
			if c.expected != nil {
				f.requireRefused(t, parent, c.expected)
				f.requireRefused(t, child, authn.ErrRefreshInvalid)
				return
			}
			before := f.record(t, opened.ID)
			for range 3 {
				assert.Equal(t, child, f.mustRotate(t, parent))
			}
			assert.Equal(t, before, f.record(t, opened.ID), "a replay stores nothing")
			assert.EqualValues(t, 2, before.Generation)
			f.mustRotate(t, child)
		})
	}
}

// REF-04: from a grandparent it is reuse at any time, inside the window too; the newer parent is graced until then.
func TestGrandparentIsReuseInsideTheWindow(t *testing.T) {
	t.Parallel()
	for distance := 2; distance <= 4; distance++ {
		t.Run(fmt.Sprint(distance), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, graced())
			_, first := f.open(t, ada, authn.CarrierToken)
			tokens := []setting.Secret{first}
			for range distance {
				tokens = append(tokens, f.mustRotate(t, tokens[len(tokens)-1]))
			}
			last := tokens[distance]
			assert.Equal(t, last, f.mustRotate(t, tokens[distance-1]))
			f.requireRefused(t, first, authn.ErrRefreshReused)
			f.requireRefused(t, tokens[distance-1], authn.ErrRefreshInvalid)
			f.requireRefused(t, last, authn.ErrRefreshInvalid)
		})
	}
}

// Each rotation opens a window of its own, and a replay does not prolong it.
func TestWindowCountsFromTheLastRotation(t *testing.T) {
	t.Parallel()
	f := newFixture(t, graced())
	_, first := f.open(t, ada, authn.CarrierToken)
	second := f.mustRotate(t, first)
	f.now = start.Add(grace - tick)
	assert.Equal(t, second, f.mustRotate(t, first))
	third := f.mustRotate(t, second)
	f.now = start.Add(2*grace - 2*tick)
	assert.Equal(t, third, f.mustRotate(t, second))
	f.now = start.Add(2*grace - tick)
	f.requireRefused(t, second, authn.ErrRefreshReused)
}

// REF-05: a session that was ended is dead a millisecond later, inside the window too.
func TestGraceRevivesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*fixture, string) error{
		"revoked":     func(f *fixture, id string) error { return f.Revoke(context.Background(), ada, id) },
		"logged out":  func(f *fixture, id string) error { return f.Close(context.Background(), ada, id, authn.EndLogout) },
		"all revoked": func(f *fixture, _ string) error { return errOf(f.RevokeOthers(context.Background(), ada, "")) },
		"disabled": func(f *fixture, _ string) error {
			return errOf(f.CloseAll(context.Background(), ada, "", authn.EndDisabled))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, graced())
			opened, parent := f.open(t, ada, authn.CarrierToken)
			child := f.mustRotate(t, parent)
			require.NoError(t, end(f, opened.ID))
			before := f.record(t, opened.ID)
			for _, after := range []time.Duration{0, time.Millisecond, grace - tick} {
				f.now = start.Add(after)
				f.requireRefused(t, parent, authn.ErrRefreshInvalid)
				f.requireRefused(t, child, authn.ErrRefreshInvalid)
			}
			assert.Equal(t, before, f.record(t, opened.ID))
		})
	}
}

func errOf[T any](_ T, err error) error { return err }

// REF-06: grace passes neither end of a session, and extends none.
func TestGraceEndsWithTheSession(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		cfg     session.Config
		idle    time.Duration
		rotated time.Duration
		end     time.Duration
	}{
		{"absolute end", session.Config{RefreshGraceSeconds: 10, AbsoluteTimeoutDays: 7}, 7 * day, 7*day - 5*time.Second, 7 * day},
		{"idle end", graced(), 5 * time.Second, 0, 5 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixtureOf(t, c.cfg, func(d *session.Deps) { d.RefreshIdle = c.idle })
			_, parent := f.open(t, ada, authn.CarrierToken)
			f.now = start.Add(c.rotated)
			child := f.mustRotate(t, parent)
			f.now = start.Add(c.end - tick)
			assert.Equal(t, child, f.mustRotate(t, parent))
			f.now = start.Add(c.end)
			f.requireRefused(t, parent, authn.ErrRefreshInvalid)
			f.requireRefused(t, child, authn.ErrRefreshInvalid)
		})
	}
}

// REF-08: issuing that fails in a replay spoils nothing.
func TestFailedIssueInsideTheWindow(t *testing.T) {
	t.Parallel()
	f := newFixture(t, graced())
	_, parent := f.open(t, ada, authn.CarrierToken)
	child := f.mustRotate(t, parent)
	broken := errors.New("no signer")
	_, next, err := f.Rotate(t.Context(), parent, authn.Client{}, func(authn.Session) error { return broken })
	require.ErrorIs(t, err, broken)
	assert.Empty(t, next)
	assert.Equal(t, child, f.mustRotate(t, parent))
}

// Within the window, too, only what proves itself counts: a guess ends nothing and gets nothing.
func TestGuessedParentInsideTheWindow(t *testing.T) {
	t.Parallel()
	f := newFixture(t, graced())
	_, parent := f.open(t, ada, authn.CarrierToken)
	_, other := f.open(t, ada, authn.CarrierToken)
	child := f.mustRotate(t, parent)
	f.mustRotate(t, other)
	guess := setting.Secret(headOf(parent) + secretOf(other))
	f.requireRefused(t, guess, authn.ErrRefreshInvalid)
	assert.Equal(t, child, f.mustRotate(t, parent))
}

func TestNewRefusesAWindowOutOfRange(t *testing.T) {
	t.Parallel()
	for seconds, expected := range map[setting.Count]string{-1: "-1", 0: "", 1: "", 10: "", 11: "11", 3600: "3600"} {
		f := newFixture(t, session.Config{})
		_, err := session.New(session.Config{RefreshGraceSeconds: seconds}, session.Deps{Store: f.store})
		if expected == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, "RefreshGraceSeconds is "+expected)
	}
}
