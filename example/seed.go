package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// seed makes the accounts of the example at start, when they are missing.
// Accounts that exist keep their password and their roles.
func seed(lc fx.Lifecycle, s settings, users *authn.Service, az *authmodule.AuthorizationService, log *slog.Logger) {
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		for _, role := range []string{"admin", "editor", "viewer"} {
			if err := seedOne(ctx, s, users, az, log, role); err != nil {
				return fmt.Errorf("seed the %s: %w", role, err)
			}
		}
		return nil
	}))
}

func seedOne(ctx context.Context, s settings, users *authn.Service, az *authmodule.AuthorizationService, log *slog.Logger, role string) error {
	email := role + "@example.com"
	if _, err := users.UserByEmail(ctx, "", email); !errors.Is(err, authn.ErrNotFound) {
		return err
	}
	password := s.password
	if password == "" {
		password = setting.Secret(rand.Text())
	}
	user, err := users.CreateUser(ctx, authn.RegisterRequest{Email: email, Password: password})
	if errors.Is(err, authn.ErrEmailTaken) { // another program that starts on the same data was quicker
		return nil
	}
	if err != nil {
		return err
	}
	if s.password == "" {
		fmt.Fprintf(s.out, "%-20s %s\n", email, password.Reveal())
	}
	log.InfoContext(ctx, "account made", "email", email, "role", role)
	return az.Assign(ctx, authmodule.Principal{}, user.Subject, role)
}
