package fxtest

import (
	"path/filepath"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authz/authztest"
)

// Policies holds the roles and policies of a configuration file to tables, as [authztest.Run] does. The file is read as [authmodule.Load] reads
// it, with its overlay for the profile and the LEX_AUTH__ variables; the files of policies that it names are looked for beside it. What the
// application defines in code is not seen: for that, run the tables against authztest.Service(app.AuthorizationService).
func Policies[T authztest.TB[T]](t T, file string, tables ...string) {
	t.Helper()
	cfg, err := authmodule.Load(file)
	if err != nil {
		t.Fatalf("fxtest: the configuration cannot be read: %v", err)
		return
	}
	authztest.Run(t, authztest.Config(cfg.RBAC).In(filepath.Dir(file)), tables...)
}
