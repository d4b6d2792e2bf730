package authztest

import (
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// Rules are what tables are held against. [Config] and [Service] make them; the zero value has no roles.
type Rules struct {
	// given is what [Service] was given, and fromService says that it was.
	given       *authz.Service
	fromService bool

	cfg      authz.Config
	roles    []authz.Role
	policies []policy.Source
	cover    bool
}

// Config are the roles and policies of a configuration, auth.rbac of the application's. Their stores are empty, and they
// have no clock: a policy that reads the time needs one in the table. What the application adds in code comes by [Rules.WithRoles] and [Rules.WithPolicies].
func Config(cfg authz.Config) Rules { return Rules{cfg: cfg} }

// Service are the rules of a service, with what its stores hold. The attributes of callers are those of its own
// [authz.AttributeSource], so that principals in tables have none.
func Service(s *authz.Service) Rules { return Rules{given: s, fromService: true} }

// In looks for the files of policies and schemas in the folder. Without it they are where go test runs, in the package's own folder.
func (r Rules) In(folder string) Rules {
	r.cfg.Policies.Files, r.cfg.Policies.Schema = below(folder, r.cfg.Policies.Files), below(folder, r.cfg.Policies.Schema)
	return r
}

// WithRoles adds the roles that the application defines in code.
func (r Rules) WithRoles(roles ...authz.Role) Rules {
	r.roles = slices.Concat(r.roles, roles)
	return r
}

// WithPolicies adds the policies that the application has in code, or embeds.
func (r Rules) WithPolicies(sources ...policy.Source) Rules {
	r.policies = slices.Concat(r.policies, sources)
	return r
}

// RequireCoverage fails the test when a policy applied in no case, or a permission of a role decided none.
func (r Rules) RequireCoverage() Rules {
	r.cover = true
	return r
}

func below(folder string, files []string) []string {
	all := make([]string, len(files))
	for i, file := range files {
		if all[i] = file; !filepath.IsAbs(file) {
			all[i] = filepath.Join(folder, file)
		}
	}
	return all
}

// ready returns the service that is asked, or what is wrong with the rules.
func (r Rules) ready() (*authz.Service, error) {
	s, err := r.service()
	switch {
	case err != nil:
		return nil, err
	case !s.Enabled():
		return nil, errors.New("auth.rbac.enabled is false, so that every case would be allowed")
	}
	return s, nil
}

func (r Rules) service() (*authz.Service, error) {
	switch {
	case r.fromService && r.given == nil:
		return nil, errors.New("the service is nil")
	case r.fromService && len(r.roles)+len(r.policies) > 0:
		return nil, errors.New("a service has its roles and policies: leave out WithRoles and WithPolicies, or begin with Config")
	case r.fromService:
		return r.given, nil
	}
	files, schemas, err := r.cfg.Policies.Read()
	if err != nil {
		return nil, err
	}
	return authz.New(r.cfg, authz.Deps{
		Rules: noStore{}, Assignments: noStore{}, Extra: r.roles, Policies: slices.Concat(r.policies, files), Schemas: schemas,
		Attributes: tableAttributes{}, Now: func() time.Time { return time.Time{} },
	})
}
