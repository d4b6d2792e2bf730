package authmodule

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

func (p *problems) session(c Config) {
	s, t := c.Session.WithDefaults(), c.JWT.WithDefaults()
	if absolute := s.AbsoluteTimeoutDays.Duration(); s.Preset == "" {
		p.idle("session.timeout_minutes", s.TimeoutMinutes.Duration(), absolute)
		p.idle("jwt.refresh_token_expire_days", t.RefreshTokenExpireDays.Duration(), absolute)
	}
	if s.RememberIdleDays > s.RememberDays {
		p.add("session.remember_idle_days", "is longer than auth.session.remember_days", "lower $VAR, or raise LEX_AUTH__SESSION__REMEMBER_DAYS")
	}
	switch s.OnLimit {
	case session.EvictOldest, session.Refuse, session.Ask:
	default:
		p.add("session.on_limit", "is unknown", "set $VAR to evict_oldest, refuse or ask")
	}
	p.preset(c)
	p.sessionLimits(c.Session)
}

func (p *problems) idle(key string, idle, absolute time.Duration) {
	if idle > absolute {
		p.add(key, "is longer than auth.session.absolute_timeout_days", "lower $VAR, or raise LEX_AUTH__SESSION__ABSOLUTE_TIMEOUT_DAYS")
	}
}

// preset refuses what was set to more than the level permits; what was not set is limited silently.
func (p *problems) preset(c Config) {
	s := c.Session
	if !s.Preset.Known() {
		p.add("session.preset", "is unknown", "set $VAR to aal1, aal2 or aal3, or leave it out")
		return
	}
	idle, absolute := s.Preset.Limits()
	for _, n := range []struct {
		key         string
		value, most time.Duration
	}{
		{"session.timeout_minutes", s.TimeoutMinutes.Duration(), idle},
		{"session.absolute_timeout_days", s.AbsoluteTimeoutDays.Duration(), absolute},
		{"session.remember_days", s.RememberDays.Duration(), absolute},
	} {
		if n.most > 0 && n.value > n.most {
			p.add(n.key, fmt.Sprintf("is longer than auth.session.preset %s permits, which is %v", s.Preset, n.most), "lower $VAR or leave it out, or choose another LEX_AUTH__SESSION__PRESET")
		}
	}
}

func (p *problems) sessionLimits(s session.Config) {
	for _, rules := range []struct {
		key   string
		rules map[string]session.LimitRule
	}{{"session.roles.", s.Roles}, {"session.tenants.", s.Tenants}} {
		for _, name := range slices.Sorted(maps.Keys(rules.rules)) {
			if n := rules.rules[name].MaxPerUser; n < 0 || n > largest {
				p.addFile(rules.key+name+".max_per_user", "is out of range", fmt.Sprintf("use a whole number from 0 to %d", largest))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Tenants)) {
		if _, err := authn.ParseTenant(name); err != nil || name == "" {
			p.addFile("session.tenants", fmt.Sprintf("names %q, which is no tenant", name), "use the names of tenants as they stand in accounts")
		}
	}
}
