package authn_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// slowRange is a server of breached passwords that answers once it is told to, and knows none.
type slowRange struct {
	answer       chan struct{}
	asking, most atomic.Int64
}

func (s *slowRange) RoundTrip(r *http.Request) (*http.Response, error) {
	now := s.asking.Add(1)
	defer s.asking.Add(-1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
	select {
	case <-s.answer:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	body := io.NopCloser(strings.NewReader("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n"))
	return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
}

// V6.2.12: a flood of new passwords asks the server a bounded number of questions at a time; the others wait as long as a question may take.
func TestBreachQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers  bool
		expected error
	}{
		"answered":     {true, nil},
		"not answered": {false, authn.ErrBreachUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &slowRange{answer: make(chan struct{})}
				b, err := authn.NewBreaches(authn.BreachConfig{Online: true}, authn.BreachDeps{Client: &http.Client{Transport: server}, Log: slog.New(slog.DiscardHandler)})
				require.NoError(t, err)
				var callers sync.WaitGroup
				for range 100 {
					callers.Go(func() { assert.ErrorIs(t, check(t, b, ownPassword), tc.expected) })
				}
				synctest.Wait()
				assert.EqualValues(t, 32, server.asking.Load())
				if tc.answers {
					close(server.answer)
				}
				callers.Wait()
				assert.EqualValues(t, 32, server.most.Load())
			})
		})
	}
}
