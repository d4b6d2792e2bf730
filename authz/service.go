package authz

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// Deps are what a [Service] works with.
type Deps struct {
	// Roles keeps the roles that are defined at run time. Required.
	Roles RoleStore
	// Assignments keeps who has which role. Required.
	Assignments AssignmentStore
	// Extra are the roles that code defines. A role of the same name in Config or in the store takes its place.
	Extra []Role
	// Revocations tells all nodes that the roles of an account changed. Nil is for a service beside which no principal is remembered.
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
	if d.Roles == nil {
		errs = append(errs, errors.New("authz: Deps.Roles is required"))
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
	superuser   string
	deps        Deps
	log         *slog.Logger
	snapshots   *snapshots
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
	if err := errors.Join(deps.validate(), err); err != nil {
		return nil, err
	}
	return &Service{
		enabled:     cfg.Enabled.Enabled(),
		defaultRole: cfg.DefaultRole,
		superuser:   cfg.SuperuserRole,
		deps:        deps,
		log:         deps.Log,
		snapshots:   newSnapshots(newBase(roles, cfg.SuperuserRole), cfg.SuperuserRole, deps.Roles),
	}, nil
}

// DefaultRole is the role of an account that has no assignment.
func (s *Service) DefaultRole() string { return s.defaultRole }

// Enabled reports whether roles decide. While they do not, every authenticated caller passes what its scopes allow.
func (s *Service) Enabled() bool { return s.enabled }
