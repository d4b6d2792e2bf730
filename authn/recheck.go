package authn

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Watcher looks again at callers that were authenticated at the start of a long
// request: a WebSocket, a stream, a long poll. Keys may be nil where there are no API keys.
type Watcher struct {
	Users *Service
	Keys  *APIKeys
}

// Recheck reports whether a caller still is one: what was presented has not
// expired and was not revoked, the session lives and the account is active. It asks the stores, and is no use of the
// session, so that an open connection does not keep an unused session from ending. Of a caller whom an authenticator of the
// application's own brought, only the expiry is looked at. The error is a token class (ErrToken…),
// [ErrSessionEnded] or [ErrAPIKeyInvalid]; any other means that a store could not answer. What the account may do is not looked at.
func (w Watcher) Recheck(ctx context.Context, p Principal) error {
	now := w.Users.deps.Now()
	switch {
	case !p.Authenticated():
		return ErrSessionEnded
	case !p.Expires.IsZero() && !now.Before(p.Expires):
		return expired(p)
	case p.Issuer != "":
		return nil // its issuer is not asked
	case p.KeyID != "" && w.Keys == nil:
		return ErrAPIKeyInvalid
	case p.KeyID != "":
		return w.Keys.recheck(ctx, p)
	case p.SessionID == "":
		return nil // an authenticator of the application's own knows more
	}
	return w.Users.recheck(ctx, p)
}

func expired(p Principal) error {
	switch {
	case p.KeyID != "":
		return ErrAPIKeyInvalid
	case p.TokenID != "" || p.Issuer != "":
		return ErrTokenExpired
	}
	return ErrSessionEnded
}

func (s *Service) recheck(ctx context.Context, p Principal) error {
	if p.TokenID != "" {
		revoked, err := s.view().TokenRevoked(ctx, p.Subject.Tenant, p.TokenID)
		if err != nil {
			return err
		}
		if revoked {
			return ErrTokenRevoked
		}
		if !s.deps.Tokens.knows(p.kid) {
			return ErrTokenKey
		}
	}
	session, err := s.deps.Live.Live(ctx, p.Subject.Tenant, p.SessionID)
	if err != nil {
		return err
	}
	if session.Subject != p.Subject || session.Actor != p.Actor {
		return ErrSessionEnded
	}
	if err := s.actorStands(ctx, session); err != nil {
		return err
	}
	if _, _, err = s.account(ctx, p.Subject); errors.Is(err, errGone) {
		return ErrSessionEnded
	}
	return err
}

func (k *APIKeys) recheck(ctx context.Context, p Principal) error {
	record, err := k.deps.Store.APIKey(ctx, p.Subject.Tenant, p.KeyID)
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrAPIKeyInvalid
	case err != nil:
		return wrapped("read an API key", err)
	case record.Owner != p.Subject || !record.holds(p.generation, k.deps.Now()):
		return ErrAPIKeyInvalid
	}
	if _, _, err = accountOf(ctx, k.deps.Users, k.deps.Roles, record.Owner); errors.Is(err, errGone) {
		return ErrAPIKeyInvalid
	}
	return err
}

const (
	// DefaultWatch is how often [Watcher.Watch] asks the stores, if it is not told.
	DefaultWatch = 10 * time.Second
	// lookEvery is how often Watch looks at what this node knows of revocations.
	lookEvery = time.Second
	// watchTimeout bounds one question, unanswered is how many in a row may get no answer.
	watchTimeout = 5 * time.Second
	unanswered   = 3
)

// Watch returns a context that ends when the caller no longer is one;
// [context.Cause] then is what [Watcher.Recheck] returned. What is told to all nodes, such as the end of tokens, API keys
// and accounts, is noticed within a second of its arrival; the end of a cookie's session when the stores are asked: each
// time the duration has passed, 10 seconds if it is zero. When three questions in a row get no answer, the context ends with the last error. Call the
// function to release it.
func (w Watcher) Watch(ctx context.Context, p Principal, every time.Duration) (context.Context, context.CancelFunc) {
	if every <= 0 {
		every = DefaultWatch
	}
	watched, end := context.WithCancelCause(ctx)
	go w.watch(watched, end, w.Users.view().watched(p), p, every)
	return watched, func() { end(context.Canceled) }
}

func (w Watcher) watch(ctx context.Context, end context.CancelCauseFunc, known *remembered, p Principal, every time.Duration) {
	ticker := time.NewTicker(min(every, lookEvery))
	defer ticker.Stop()
	now := w.Users.deps.Now
	asked, failures := now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		over := !p.Expires.IsZero() && !now().Before(p.Expires)
		if !over && p.Actor == "" && now().Sub(asked) < every && w.Users.view().holds(known) {
			continue
		}
		seen := w.Users.view().watched(p) // before the stores are asked
		err := w.ask(ctx, p)
		switch {
		case err == nil:
			known, asked, failures = seen, now(), 0
		case isRefusal(err):
			end(err)
			return
		default:
			if failures++; failures >= unanswered {
				end(err)
				return
			}
		}
	}
}

func (w Watcher) ask(ctx context.Context, p Principal) (err error) {
	defer func() {
		if what := recover(); what != nil { // there is no request that could recover it
			err = fmt.Errorf("authn: a store panicked (%T)", what)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	return w.Recheck(ctx, p)
}

func isRefusal(err error) bool {
	for _, refusal := range []error{ErrSessionEnded, ErrTokenRevoked, ErrTokenKey, ErrTokenExpired, ErrAPIKeyInvalid} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// watched is what the view must hold of a caller so that the stores need not be asked.
func (r *Revocations) watched(p Principal) *remembered {
	seen, t := r.glance(), p.Subject.Tenant
	e := &remembered{position: seen.position, era: seen.era}
	e.version.Store(seen.version)
	e.changed[0], e.changed[1] = r.mark.of(ChangedAccount, t, p.Subject.ID), r.mark.of(ChangedAccount, t, "")
	if p.KeyID != "" {
		e.changed[2] = r.mark.of(ChangedAPIKey, t, p.KeyID)
		return e
	}
	e.dead[2] = r.mark.of(RevokedKey, "", p.kid)
	e.dead[0], e.changed[2] = r.mark.of(RevokedSession, t, p.SessionID), r.mark.of(ChangedSession, t, p.SessionID)
	if p.TokenID != "" {
		e.dead[1] = r.mark.of(RevokedToken, t, p.TokenID)
	}
	return e
}
