package authmodule

import (
	"database/sql"
	"net/http"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/transport"
)

// Every Use and Add option takes a constructor: a function that takes anything
// from the graph and returns the part, optionally with an error. It works at
// the root and in any fx.Module. Each Use may stand once.

// UseUserStore keeps accounts in the application's own [authn.UserStore].
func UseUserStore(constructor any) fx.Option {
	return slot.Use[authn.UserStore]("UserStore", constructor, 1)
}

// UsePasswordStore keeps password hashes in the application's own [authn.PasswordStore].
func UsePasswordStore(constructor any) fx.Option {
	return slot.Use[authn.PasswordStore]("PasswordStore", constructor, 1)
}

// UsePasswordHistoryStore keeps hashes of former passwords (auth.password.history) in the application's own [authn.PasswordHistoryStore].
func UsePasswordHistoryStore(constructor any) fx.Option {
	return slot.Use[authn.PasswordHistoryStore]("PasswordHistoryStore", constructor, 1)
}

// UseRevocationStore keeps revoked token IDs in the application's own [authn.RevocationStore].
func UseRevocationStore(constructor any) fx.Option {
	return slot.Use[authn.RevocationStore]("RevocationStore", constructor, 1)
}

// UseOneTimeStore keeps one-time records in the application's own [authn.OneTimeStore].
func UseOneTimeStore(constructor any) fx.Option {
	return slot.Use[authn.OneTimeStore]("OneTimeStore", constructor, 1)
}

// UseCounterStore keeps counters of failed attempts in the application's own [authn.CounterStore].
func UseCounterStore(constructor any) fx.Option {
	return slot.Use[authn.CounterStore]("CounterStore", constructor, 1)
}

// UseAPIKeyStore keeps API keys in the application's own [authn.APIKeyStore].
func UseAPIKeyStore(constructor any) fx.Option {
	return slot.Use[authn.APIKeyStore]("APIKeyStore", constructor, 1)
}

// UseKeyStore keeps managed signing keys, sealed, in the application's own [authn.KeyStore].
func UseKeyStore(constructor any) fx.Option {
	return slot.Use[authn.KeyStore]("KeyStore", constructor, 1)
}

// UseSessionStore keeps sessions in the application's own [session.Store].
func UseSessionStore(constructor any) fx.Option {
	return slot.Use[session.Store]("SessionStore", constructor, 1)
}

// UseDeviceStore keeps the devices that accounts have signed in on in the application's own [session.DeviceStore].
func UseDeviceStore(constructor any) fx.Option {
	return slot.Use[session.DeviceStore]("DeviceStore", constructor, 1)
}

// UseRuleStore keeps roles and policies defined at run time in the application's own [authz.RuleStore].
func UseRuleStore(constructor any) fx.Option {
	return slot.Use[authz.RuleStore]("RuleStore", constructor, 1)
}

// UseAssignmentStore keeps who has which role in the application's own [authz.AssignmentStore].
func UseAssignmentStore(constructor any) fx.Option {
	return slot.Use[authz.AssignmentStore]("AssignmentStore", constructor, 1)
}

// UseDatabase has the SQL driver use the application's own pool instead of
// opening one from auth.store.dsn. The application closes it. See
// [github.com/authmodule/authmodule/store/sqlstore.New] for what its connections must be set to. The pool
// is of the kind that auth.store.driver names.
func UseDatabase(constructor any) fx.Option {
	return slot.Use[*sql.DB]("Database", constructor, 1)
}

// UseHTTPClient fetches the keys of other issuers (auth.issuers), and asks for breached
// passwords (auth.password.breach.online), with the application's own client, for a proxy or a private certificate authority. Its redirects are not followed.
func UseHTTPClient(constructor any) fx.Option {
	return slot.Use[*http.Client]("HTTPClient", constructor, 1)
}

// UseDeviceNotifier tells the owner of an account of a login on a new device.
func UseDeviceNotifier(constructor any) fx.Option {
	return slot.Use[session.DeviceNotifier]("DeviceNotifier", constructor, 1)
}

// UseNotifier sends what the flows of accounts send through the application's own [account.Notifier]: links, codes, and what owners
// must know. Its constructor must not need the services of the module, which need it.
func UseNotifier(constructor any) fx.Option {
	return slot.Use[account.Notifier]("Notifier", constructor, 1)
}

// AddEraser has one more [account.Eraser] drop what the application keeps of an account that is deleted.
func AddEraser(constructor any) fx.Option {
	return slot.Add[account.Eraser]("Eraser", constructor, 1)
}

// UseLocator says where the addresses of sessions are, from a database that the application brings.
func UseLocator(constructor any) fx.Option {
	return slot.Use[session.Locator]("Locator", constructor, 1)
}

// UseFactorStore keeps second factors, sealed or hashed, in the application's own [mfa.FactorStore].
func UseFactorStore(constructor any) fx.Option {
	return slot.Use[mfa.FactorStore]("FactorStore", constructor, 1)
}

// UseJournalStore keeps the audit journal in the application's own [audit.JournalStore]. Events are then written after their
// acts, and not in the same transaction.
func UseJournalStore(constructor any) fx.Option {
	return slot.Use[audit.JournalStore]("JournalStore", constructor, 1)
}

// UseCodeSender sends codes by e-mail (auth.mfa.email_code) through the application's own [mfa.Sender].
func UseCodeSender(constructor any) fx.Option {
	return slot.Use[mfa.Sender]("CodeSender", constructor, 1)
}

// AddFactor offers one more [mfa.Factor] at login, before the module's own and in the order of their names.
func AddFactor(constructor any) fx.Option {
	return slot.Add[mfa.Factor]("Factor", constructor, 1)
}

// UseAttributeSource says what attributes callers have, for policies.
func UseAttributeSource(constructor any) fx.Option {
	return slot.Use[authz.AttributeSource]("AttributeSource", constructor, 1)
}

// UseDecisionRecorder tells a [authz.Recorder] of decisions, so that a change of roles or policies can be tried on them
// before it is made: see [authz.Service.DryRun].
func UseDecisionRecorder(constructor any) fx.Option {
	return slot.Use[authz.Recorder]("DecisionRecorder", constructor, 1)
}

// AddListener tells one more [audit.Listener] of every event.
func AddListener(constructor any) fx.Option {
	return slot.Add[audit.Listener]("Listener", constructor, 1)
}

// AddPasswordCheck has new passwords pass one more [authn.PasswordCheck], after the configured policy.
func AddPasswordCheck(constructor any) fx.Option {
	return slot.Add[authn.PasswordCheck]("PasswordCheck", constructor, 1)
}

// AddAuthenticator asks one more [transport.Authenticator], after the bearer
// token and before the session cookie; several are asked in the order of their
// names. One whose credential browsers send by themselves, such as a client
// certificate, checks [transport.Gate.CrossOrigin] as the session cookie does.
func AddAuthenticator(constructor any) fx.Option {
	return slot.Add[transport.Authenticator]("Authenticator", constructor, 1)
}

// AddEndpoint mounts one more [transport.Endpoint] beside the module's own.
func AddEndpoint(constructor any) fx.Option {
	return slot.Add[transport.Endpoint]("Endpoint", constructor, 1)
}

// AddRoles defines roles in code. A role of the same name in configuration or
// in the store takes its place.
func AddRoles(roles ...authz.Role) fx.Option {
	own := append([]authz.Role{}, roles...)
	return slot.Add[[]authz.Role]("Roles", func() []authz.Role { return own }, 1)
}

// AddPolicies adds policies to those of configuration and of the store: texts in code, or embedded files that [authz.ReadPolicies] read.
func AddPolicies(sources ...policy.Source) fx.Option {
	own := append([]policy.Source{}, sources...)
	return slot.Add[[]policy.Source]("Policies", func() []policy.Source { return own }, 1)
}
