package bench

import (
	casbin2 "github.com/casbin/casbin/v2"
	model2 "github.com/casbin/casbin/v2/model"
	persist2 "github.com/casbin/casbin/v2/persist"
	"github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"
	"github.com/casbin/casbin/v3/persist"
	"github.com/casbin/casbin/v3/persist/cache"
)

// enforcer is any of casbin's.
type enforcer interface {
	Enforce(rvals ...any) (bool, error)
}

// The matcher of casbin's documentation, and the same with its costly part last.
const (
	canonical = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act"
	reordered = "r.obj == p.obj && r.act == p.act && g(r.sub, p.sub)"
)

func modelText(matcher string) string {
	return "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n[role_definition]\ng = _, _\n" +
		"[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = " + matcher + "\n"
}

// newCasbin returns an enforcer without a cache.
func newCasbin(matcher string, lines [][]string) (*casbin.Enforcer, error) {
	m, err := model.NewModelFromString(modelText(matcher))
	if err != nil {
		return nil, err
	}
	return casbin.NewEnforcer(m, loader{lines: lines})
}

// newCasbin2 is newCasbin of the version before.
func newCasbin2(matcher string, lines [][]string) (*casbin2.Enforcer, error) {
	m, err := model2.NewModelFromString(modelText(matcher))
	if err != nil {
		return nil, err
	}
	return casbin2.NewEnforcer(m, loader2{lines: lines})
}

// newCached returns an enforcer that remembers decisions, and has already
// decided that each user may do the action, or may not.
func newCached(lines [][]string, users []string, resource, action string, allowed bool) (*casbin.SyncedCachedEnforcer, error) {
	m, err := model.NewModelFromString(modelText(reordered))
	if err != nil {
		return nil, err
	}
	e, err := casbin.NewSyncedCachedEnforcer(m, loader{lines: lines})
	if err != nil {
		return nil, err
	}
	remembered, err := cache.NewSyncCache()
	if err != nil {
		return nil, err
	}
	for _, user := range users {
		key, _ := casbin.GetCacheKey(user, resource, action)
		if err := remembered.Set(key, allowed); err != nil {
			return nil, err
		}
	}
	e.SetCache(remembered)
	return e, nil
}

// loader hands over rules that need no parsing. What it does not implement is never called.
type loader struct {
	persist.Adapter
	lines [][]string
}

// LoadPolicy implements [persist.Adapter].
func (l loader) LoadPolicy(m model.Model) error {
	for _, line := range l.lines {
		if err := persist.LoadPolicyArray(line, m); err != nil {
			return err
		}
	}
	return nil
}

type loader2 struct {
	persist2.Adapter
	lines [][]string
}

// LoadPolicy implements the adapter of casbin v2.
func (l loader2) LoadPolicy(m model2.Model) error {
	for _, line := range l.lines {
		if err := persist2.LoadPolicyArray(line, m); err != nil {
			return err
		}
	}
	return nil
}
