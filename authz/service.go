package authz

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/internal/verdict"
)

// Deps are what a [Service] works with.
type Deps struct {
	// Rules keeps the rules that are defined at run time. Required.
	Rules RuleStore
	// Assignments keeps who has which role. Required.
	Assignments AssignmentStore
	// Extra are the roles that code defines. A role of the same name in Config or in the store takes its place.
	Extra []Role
	// Policies are those of files, which [PolicyConfig.Read] reads, and of code. [New] adds those of [PolicyConfig].Inline and .Short, and
	// refuses a configuration with files of which none is here.
	Policies []policy.Source
	// Schemas are what [PolicyConfig].Schema names, as [PolicyConfig.Read] reads them.
	Schemas []policy.Source
	// Attributes are the attributes of callers that policies see. Nil is none.
	Attributes AttributeSource
	// Recorder is told of decisions. Nil for nobody.
	Recorder Recorder
	// Revocations tells all nodes that the rules or the roles of an account changed. Nil is for the only service on its
	// store, beside which no principal is remembered.
	Revocations *authn.Revocations
	// Events is told of denials and of changes. Nil drops them.
	Events *audit.Bus
	// Log defaults to slog.Default.
	Log *slog.Logger
	// Rand is where decision IDs come from. It must be safe for concurrent use. Defaults to crypto/rand.Reader.
	Rand io.Reader
	// Now defaults to time.Now.
	Now func() time.Time
}

func (d Deps) withDefaults() Deps {
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Rand == nil {
		d.Rand = rand.Reader
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}

func (d Deps) validate() error {
	var errs []error
	if d.Rules == nil {
		errs = append(errs, errors.New("authz: Deps.Rules is required"))
	}
	if d.Assignments == nil {
		errs = append(errs, errors.New("authz: Deps.Assignments is required"))
	}
	return errors.Join(errs...)
}

// Service decides what callers may do, and manages roles and who has them.
// It is safe for concurrent use.
type Service struct {
	enabled     bool
	defaultRole string
	adminRole   string
	superuser   string
	groups      map[string][]string
	// origins says where each role of base is defined.
	origins map[string]RoleSource
	deps    Deps
	log     *slog.Logger
	// base is what configuration and code define.
	base      *ruleset
	snapshots *snapshots
	owner     *verdict.Owner
	// sources and vocabulary are what every tenant's policies are compiled with.
	sources         []policy.Source
	vocabulary      policy.Vocabulary
	granted, denied sampler
}

var (
	_ authn.RoleSource   = (*Service)(nil)
	_ authn.ScopeChecker = (*Service)(nil)
)

// New returns a Service, or everything that [ValidateRoles] finds. It asks no store.
func New(cfg Config, deps Deps) (*Service, error) {
	cfg = cfg.WithDefaults()
	deps = deps.withDefaults()
	roles, err := collect(cfg, deps.Extra)
	if err := errors.Join(deps.validate(), cfg.Policies.unread(deps), err); err != nil {
		return nil, err
	}
	s := &Service{
		enabled:     cfg.Enabled.Enabled(),
		defaultRole: cfg.DefaultRole,
		adminRole:   cfg.AdminRole,
		superuser:   cfg.SuperuserRole,
		groups:      cfg.Groups,
		origins:     originsOf(cfg, deps.Extra, roles),
		deps:        deps,
		log:         deps.Log,
		owner:       &verdict.Owner{},
	}
	s.granted.percent, s.denied.percent = uint64(cfg.GrantedEventsPercent), uint64(cfg.DeniedEventsPercent)
	if err := s.compileBase(cfg, roles); err != nil {
		return nil, err
	}
	s.snapshots = newSnapshots(deps.Rules, s.compile)
	deps.Revocations.OnChangedRules(s.changedRules)
	return s, nil
}

// changedRules is told of what other nodes change.
func (s *Service) changedRules(t authn.Tenant, all bool) {
	if all {
		s.snapshots.forget()
		return
	}
	s.snapshots.changed(t)
}

// DefaultRole is the role of an account that has no assignment.
func (s *Service) DefaultRole() string { return s.defaultRole }

// Enabled reports whether roles decide. While they do not, every authenticated caller passes what its scopes allow, unless a policy of
// configuration or code forbids it; no stored rules are read then.
func (s *Service) Enabled() bool { return s.enabled }
