package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

func numberedName(i int) string { return fmt.Sprintf("name-%04d", i) }

func rulesRaceFirst(t *testing.T, ctx context.Context, s authz.RuleStore, n int) {
	errs := race(n, func(i int) error { return s.ChangeRules(ctx, "", 0, putRules(numberedName(i))) })
	requireOneWinner(t, errs, authn.ErrConflict)
	requireRules(t, ctx, s, "", rulesOf(1, numberedName(slices.Index(errs, nil))))
}

func rulesRaceLater(t *testing.T, ctx context.Context, s authz.RuleStore, n int) {
	changeRules(t, ctx, s, "", 0, authz.RuleChange{})
	changeRules(t, ctx, s, "", 1, putRules("old"))
	errs := race(n, func(i int) error {
		c := putRules(numberedName(i))
		c.DeleteRoles, c.DeletePolicies = []string{"old"}, []string{"old"}
		return s.ChangeRules(ctx, "", 2, c)
	})
	requireOneWinner(t, errs, authn.ErrConflict)
	requireRules(t, ctx, s, "", rulesOf(3, numberedName(slices.Index(errs, nil))))
}

func rulesRaceTenants(t *testing.T, ctx context.Context, s authz.RuleStore, n int) {
	for _, err := range race(n, func(i int) error {
		return s.ChangeRules(ctx, authn.Tenant(numberedName(i)), 0, putRules("editor"))
	}) {
		require.NoError(t, err)
	}
	for i := range n {
		requireRules(t, ctx, s, authn.Tenant(numberedName(i)), rulesOf(1, "editor"))
	}
}

// Each of a few callers adds a role to what it has read, until it is on the version that it read.
func rulesTriedAgain(t *testing.T, ctx context.Context, s authz.RuleStore) {
	const n = 16
	names := make([]string, n)
	for i, err := range race(n, func(i int) error {
		for {
			rules, err := s.Rules(ctx, "")
			if err != nil {
				return err
			}
			if err := s.ChangeRules(ctx, "", rules.Version, putRules(numberedName(i))); !errors.Is(err, authn.ErrConflict) {
				return err
			}
		}
	}) {
		require.NoError(t, err)
		names[i] = numberedName(i)
	}
	requireRules(t, ctx, s, "", rulesOf(n, names...))
}

// Each version n has a role and a policy whose texts are n; a reader must find both, and of its version.
func rulesRaceRead(t *testing.T, ctx context.Context, s authz.RuleStore, n int) {
	of := func(version int64) (c authz.RuleChange) {
		c = putRules("x")
		c.PutRoles[0].Description, c.PutPolicies[0].Text = fmt.Sprint(version), fmt.Sprint(version)
		return c
	}
	changeRules(t, ctx, s, "", 0, of(1))
	for _, err := range race(n, func(i int) error {
		got, err := s.Rules(ctx, "")
		if err != nil || i%4 != 0 {
			return rulesOfOneVersion(got, err)
		}
		if err := s.ChangeRules(ctx, "", got.Version, of(got.Version+1)); !errors.Is(err, authn.ErrConflict) {
			return err
		}
		return nil
	}) {
		require.NoError(t, err)
	}
}

func rulesOfOneVersion(got authz.Rules, err error) error {
	if err != nil {
		return err
	}
	version := fmt.Sprint(got.Version)
	if len(got.Roles) != 1 || len(got.Policies) != 1 || got.Roles[0].Description != version || got.Policies[0].Text != version {
		return fmt.Errorf("version %s has %v and %v", version, got.Roles, got.Policies)
	}
	return nil
}
