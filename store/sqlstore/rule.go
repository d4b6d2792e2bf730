package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// What a row of rulesOfTenant is.
const (
	ruleVersion = iota
	ruleRole
	rulePolicy
)

const (
	// rulesOfTenant reads version, roles and policies in one statement, so that they belong together.
	rulesOfTenant = `SELECT 0, version, '', '', '[]', '[]', '', '' FROM authmodule_rule_versions WHERE tenant = ?
		UNION ALL SELECT 1, 0, name, description, permissions, inherits, '', '' FROM authmodule_roles WHERE tenant = ?
		UNION ALL SELECT 2, 0, name, '', '[]', '[]', format, text FROM authmodule_policies WHERE tenant = ?`

	// firstRules and nextRules raise the version, and lock it until the transaction ends.
	firstRules = `INSERT INTO authmodule_rule_versions (tenant, version) VALUES (?, 1) ON CONFLICT DO NOTHING`
	nextRules  = `UPDATE authmodule_rule_versions SET version = version + 1 WHERE tenant = ? AND version = ?`

	putRole = `INSERT INTO authmodule_roles (tenant, name, description, permissions, inherits) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant, name) DO UPDATE
		SET description = excluded.description, permissions = excluded.permissions, inherits = excluded.inherits`

	deleteRole = `DELETE FROM authmodule_roles WHERE tenant = ? AND name = ?`

	putPolicy = `INSERT INTO authmodule_policies (tenant, name, format, text) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant, name) DO UPDATE SET format = excluded.format, text = excluded.text`

	deletePolicy = `DELETE FROM authmodule_policies WHERE tenant = ? AND name = ?`
)

// Rules implements [authz.RuleStore].
func (s *Store) Rules(ctx context.Context, t authn.Tenant) (authz.Rules, error) {
	rows, err := list(ctx, s, "rules", scanRule, rulesOfTenant, t, t, t)
	if err != nil {
		return authz.Rules{}, err
	}
	var rules authz.Rules
	for _, row := range rows {
		switch row.kind {
		case ruleVersion:
			rules.Version = row.version
		case ruleRole:
			rules.Roles = append(rules.Roles, row.role)
		case rulePolicy:
			rules.Policies = append(rules.Policies, row.policy)
		}
	}
	slices.SortFunc(rules.Roles, func(a, b authz.Role) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(rules.Policies, func(a, b authz.PolicyText) int { return cmp.Compare(a.Name, b.Name) })
	return rules, nil
}

// ChangeRules implements [authz.RuleStore].
func (s *Store) ChangeRules(ctx context.Context, t authn.Tenant, version int64, c authz.RuleChange) error {
	const op = "change rules"
	steps, err := ruleSteps(t, c)
	if err != nil {
		return fmt.Errorf("sqlstore: %s: %w", op, err)
	}
	raise := step{nextRules, []any{t, version}}
	if version == 0 {
		raise = step{firstRules, []any{t}}
	}
	return s.write(ctx, op, func(tx txn) error {
		n, err := tx.exec(ctx, raise.query, raise.args...)
		switch {
		case err != nil:
			return err
		case n == 0:
			return authn.ErrConflict
		}
		return tx.run(ctx, steps)
	}, raise.query, putRole, deleteRole, putPolicy, deletePolicy)
}

func ruleSteps(t authn.Tenant, c authz.RuleChange) ([]step, error) {
	var steps []step
	for _, name := range c.DeleteRoles {
		steps = append(steps, step{deleteRole, []any{t, name}})
	}
	for _, name := range c.DeletePolicies {
		steps = append(steps, step{deletePolicy, []any{t, name}})
	}
	for _, r := range c.PutRoles {
		permissions, err := words(r.Permissions)
		if err != nil {
			return nil, err
		}
		inherits, err := words(r.Inherits)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{putRole, []any{t, r.Name, r.Description, permissions, inherits}})
	}
	for _, p := range c.PutPolicies {
		steps = append(steps, step{putPolicy, []any{t, p.Name, p.Format, p.Text}})
	}
	return steps, nil
}

// ruleRow is the tenant's version, one of its roles or one of its policies.
type ruleRow struct {
	kind    int
	version int64
	role    authz.Role
	policy  authz.PolicyText
}

func scanRule(row scanner) (r ruleRow, err error) {
	err = row.Scan(&r.kind, &r.version, &r.role.Name, &r.role.Description, wordList{&r.role.Permissions}, wordList{&r.role.Inherits},
		&r.policy.Format, &r.policy.Text)
	r.policy.Name = r.role.Name
	return r, err
}
