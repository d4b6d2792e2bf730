package redisstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/redis/rueidis"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// Sessions implements [session.Store].
func (s *Store) Sessions(ctx context.Context, sub authn.Subject, now time.Time) ([]session.Record, error) {
	list, err := s.sessions(ctx, sub, now)
	return list, wrapped(ctx, "list sessions", err)
}

func (s *Store) sessions(ctx context.Context, sub authn.Subject, now time.Time) ([]session.Record, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	blobs, err := s.step(ctx, s.scripts.list, []string{s.keys.subject(sub)}, s.keys.sessionBase(tagOf(sub), sub.Tenant), decimal(clamped(now))).AsStrSlice()
	if err != nil {
		return nil, err
	}
	list, err := decodeSessions(sub, blobs)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b session.Record) int {
		return cmp.Or(b.LastUsedAt.Compare(a.LastUsedAt), cmp.Compare(b.ID, a.ID))
	})
	return list, nil
}

// TenantSessions implements [session.Store]. It reads the tenant's index, then
// the records it names; a session that is opened or ended meanwhile may be seen or not. A call looks at
// 500 sessions at most, dead ones included.
func (s *Store) TenantSessions(ctx context.Context, t authn.Tenant, now time.Time, after string, limit int) (session.Page, error) {
	page, err := s.tenantSessions(ctx, t, now, after, limit)
	return page, wrapped(ctx, "list a tenant's sessions", err)
}

// listAtOnce is how many members of a tenant's index are looked at in one call.
const listAtOnce = 500

func (s *Store) tenantSessions(ctx context.Context, t authn.Tenant, now time.Time, after string, limit int) (session.Page, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return session.Page{}, err
	}
	defer cancel()
	const smallest = 16
	limit = max(limit, 0)
	size := min(max(limit, smallest), listAtOnce)
	page := session.Page{Records: []session.Record{}}
	for looked := size; len(page.Records) < limit && looked <= listAtOnce; looked += size {
		live, last, err := s.tenantPart(ctx, t, now, after, size)
		if err != nil {
			return session.Page{}, err
		}
		page.Records, page.Next, after = append(page.Records, live...), last, last
		if last == "" {
			break
		}
	}
	if len(page.Records) > limit {
		return session.PageOf(page.Records[:limit], limit), nil
	}
	return page, nil
}

// tenantPart looks at size members of the tenant's index after the ID. It returns those that are
// live, and the ID of the last one it looked at, or nothing when there are no more.
func (s *Store) tenantPart(ctx context.Context, t authn.Tenant, now time.Time, after string, size int) (live []session.Record, last string, err error) {
	members, err := s.do(ctx, s.client.B().Zrangebylex().Key(s.keys.tenant(t)).Min("["+laterID(after)).Max("+").Limit(0, int64(size)).Build()).AsStrSlice()
	if err != nil {
		return nil, "", err
	}
	if len(members) >= size {
		if last, _, err = splitListed(members[len(members)-1]); err != nil {
			return nil, "", err
		}
	}
	live, err = s.listed(ctx, t, now, members)
	return live, last, err
}

// listed reads the records that members of the tenant's index name, and returns
// those that are live. Those that have ended leave the index; those that are gone leave with the next pruning.
func (s *Store) listed(ctx context.Context, t authn.Tenant, now time.Time, members []string) ([]session.Record, error) {
	if len(members) == 0 {
		return nil, nil
	}
	ids, commands := make([]string, len(members)), make([]rueidis.Completed, len(members))
	for i, m := range members {
		id, tag, err := splitListed(m)
		if err != nil {
			return nil, err
		}
		ids[i], commands[i] = id, s.client.B().Get().Key(s.keys.session(tag, t, id)).Build()
	}
	var live []session.Record
	var over []string
	for i, reply := range s.doMulti(ctx, commands...) {
		blob, err := reply.ToString()
		if rueidis.IsRedisNil(err) {
			continue // it may be about to be written
		}
		r, err := decoded(blob, err)
		switch {
		case err != nil:
			return nil, err
		case r.ID != ids[i] || r.Subject.Tenant != t:
			return nil, errForeign
		case !r.EndedAt.IsZero():
			over = append(over, members[i])
		case r.Live(time.UnixMicro(clamped(now))):
			live = append(live, r)
		}
	}
	if len(over) > 0 {
		s.do(ctx, s.client.B().Zrem().Key(s.keys.tenant(t)).Member(over...).Build())
	}
	return live, nil
}

func decoded(blob string, err error) (session.Record, error) {
	if err != nil {
		return session.Record{}, err
	}
	return decodeSession(blob)
}
