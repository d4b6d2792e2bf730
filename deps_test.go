package authmodule_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/house"
)

const modulePath = "github.com/authmodule/authmodule"

// Names that several rules share.
var (
	everywhere = []string{"..."}
	testKits   = []string{"store/storetest", "fxtest", "authz/authztest"}
	echoUsers  = []string{".", "echoauth", "bundle/...", "fxtest", "example/..."}
	fxUsers    = []string{".", "bundle/...", "internal/slot", "fxtest", "example/..."}
	// core is what a program links that uses neither fx nor Echo.
	core = []string{"setting", "audit", "health", "authn", "session", "authz", "authz/policy", "mfa", "sso", "account", "transport", "httpauth", "store/memstore", "store/sqlstore"}

	echoModules = []string{"github.com/labstack/echo/...", "github.com/labstack/gommon/..."}
	echo4       = []string{"github.com/labstack/echo/v4/...", "github.com/labstack/gommon/..."}
	echo5       = []string{"github.com/labstack/echo/v5/..."}
	fxModules   = []string{"go.uber.org/fx/...", "go.uber.org/dig/..."}
	testingLibs = []string{"testing/...", "github.com/stretchr/testify/..."}
	templates   = []string{"text/template/...", "html/template/..."}
	mailClients = []string{"github.com/wneessen/go-mail/...", "net/smtp"}
	databases   = []string{"modernc.org/sqlite/...", "github.com/mattn/go-sqlite3/...", "github.com/jackc/pgx/...", "github.com/lib/pq/...", "github.com/go-sql-driver/mysql/..."}
)

// houseRule is a rule with its reason and a breach of it.
type houseRule struct {
	name, reason string
	rule         house.Rule
	// file and source are a file that breaks the rule.
	file, source string
}

// houseRules are the rules of imports and calls. Imports point one way:
// audit, setting <- authn <- session, authz, mfa, sso, account <- stores, transport <- echoauth, httpauth, echov5auth <- bundle <- root <- fxtest, example.
func houseRules() []houseRule {
	return append(importRules(), codeRules()...)
}

func importRules() []houseRule {
	return []houseRule{
		{
			"setting, audit and health are leaves", "every other package may use them, so they can use none",
			house.Allow{In: []string{"setting", "audit", "health"}},
			"audit/x.go", `package audit; import _ "` + modulePath + `/setting"`,
		},
		{
			"authn is the hub", "whoever implements its ports imports it, never the other way",
			house.Allow{In: []string{"authn"}, Own: []string{"audit", "setting", "internal/..."}},
			"authn/x.go", `package authn; import _ "` + modulePath + `/session"`,
		},
		{
			"session, authz, mfa, sso and account know the hub alone", "each can be used, tested and replaced without the others",
			house.Allow{In: []string{"session", "authz", "mfa", "sso", "account"}, Own: []string{"audit", "authn", "setting", "internal/...", "authz/policy"}},
			"session/x.go", `package session; import _ "` + modulePath + `/authz"`,
		},
		{
			"policies know nothing of the application", "text in, decision out: they can be tested, fuzzed and benchmarked alone, and reach no store",
			house.Allow{In: []string{"authz/policy"}, Own: []string{"setting", "internal/nearest"}},
			"authz/policy/x.go", `package policy; import _ "` + modulePath + `/authn"`,
		},
		{
			"policies reach no network", "evaluating what a tenant has written does no input or output",
			house.Deny{In: []string{"authz/policy"}, Imports: []string{"net", "net/http", "os", "io/fs"}},
			"authz/policy/x.go", `package policy; import _ "os"`,
		},
		{
			"the library of codes stays in its package", "it makes codes of empty secrets and by broken hashes: one package knows how to ask it, and tests show codes",
			house.Deny{In: everywhere, Except: []string{"mfa", "fxtest"}, Imports: []string{"github.com/pquerna/otp/..."}},
			"transport/x.go", `package transport; import _ "github.com/pquerna/otp/totp"`,
		},
		{
			"Cedar stays in its package", "the module is experimental in part, and pinned: one package knows it",
			house.Deny{In: everywhere, Except: []string{"authz/policy", "bench"}, Imports: []string{"github.com/cedar-policy/cedar-go/..."}},
			"authz/x.go", `package authz; import _ "github.com/cedar-policy/cedar-go"`,
		},
		{
			"session does not reach authz through an internal package", "an internal package is no back door between them",
			house.Unlinked{In: []string{"session", "mfa", "sso", "account"}, Imports: []string{modulePath + "/authz/..."}},
			"session/x.go", `package session; import _ "` + modulePath + `/authz"`,
		},
		{
			"nobody beside session reaches it", "an internal package is no back door between them",
			house.Unlinked{In: []string{"authn", "authz", "mfa", "sso", "account"}, Imports: []string{modulePath + "/session/..."}},
			"authz/x.go", `package authz; import _ "` + modulePath + `/session"`,
		},
		{
			"the kit for policies knows authz alone", "tables are run against roles and policies, without a graph, a store or HTTP",
			house.Allow{In: []string{"authz/authztest"}, Own: []string{"authn", "authz", "authz/policy", "internal/nearest"}},
			"authz/authztest/x.go", `package authztest; import _ "` + modulePath + `/store/memstore"`,
		},
		{
			"drivers know the ports alone", "a port lives with its consumer; a driver implements it and knows nothing else",
			house.Allow{
				In: []string{"store/..."}, Except: []string{"store/storetest", "store/redisstore"},
				Own: []string{"audit", "authn", "authz", "session", "mfa", "sso", "setting"},
			},
			"store/memstore/x.go", `package memstore; import _ "` + modulePath + `/echoauth"`,
		},
		{
			"the Redis driver knows its ports and its module", "a session's slot is read from its ID, whose form internal/credential has; an opt-in package brings its own module",
			house.Allow{
				In:  []string{"store/redisstore"},
				Own: []string{"authn", "session", "setting", "internal/credential", "internal/slot", "internal/redispart"},
			},
			"store/redisstore/x.go", `package redisstore; import _ "` + modulePath + `/authz"`,
		},
		{
			"Redis stays in its package", "a program links the client only if it imports the driver",
			house.Unlinked{In: append([]string{".", "bundle", "echoauth"}, core...), Imports: []string{"github.com/redis/rueidis/..."}},
			"bundle/x.go", `package bundle; import _ "github.com/redis/rueidis"`,
		},
		{
			"the sender of mail knows its port and its module", "an opt-in package brings its own module",
			house.Allow{In: []string{"account/smtp"}, Own: []string{"account", "authn", "setting", "internal/nearest", "internal/slot", "internal/smtppart"}},
			"account/smtp/x.go", `package smtp; import _ "` + modulePath + `/session"`,
		},
		{
			"the mail client stays in its package", "one package knows it, and makes of its errors what holds no secret",
			house.Deny{In: everywhere, Except: []string{"account/smtp"}, Imports: mailClients},
			"account/x.go", `package account; import _ "github.com/wneessen/go-mail"`,
		},
		{
			"mail is not linked", "a program links a mail client and templates only if it imports what sends mail",
			house.Unlinked{In: append([]string{".", "bundle", "echoauth"}, core...), Imports: mailClients},
			"bundle/x.go", `package bundle; import _ "github.com/wneessen/go-mail"`,
		},
		{
			"drivers of databases are the application's", "a program links only the driver it uses: one weighs about 4 MB",
			house.Deny{In: everywhere, Except: []string{"example/...", "internal/sqlitetest"}, Imports: databases},
			"store/sqlstore/x.go", `package sqlstore; import _ "modernc.org/sqlite"`,
		},
		{
			"browsers are for tests", "chromedp drives a test peer",
			house.Deny{In: everywhere, Except: []string{"example/..."}, Imports: []string{"github.com/chromedp/..."}},
			"echoauth/x.go", `package echoauth; import _ "github.com/chromedp/chromedp"`,
		},
		{
			"Echo stays at its door", "adapters for net/http and Echo v5 stand beside echoauth on the same core",
			house.Deny{In: everywhere, Except: echoUsers, Imports: echo4},
			"transport/x.go", `package transport; import _ "github.com/labstack/echo/v4"`,
		},
		{
			"Echo v5 stays at its door", "a program links it only if it imports that door",
			house.Deny{In: everywhere, Except: []string{"echov5auth"}, Imports: echo5},
			"echoauth/x.go", `package echoauth; import _ "github.com/labstack/echo/v5"`,
		},
		{
			"nothing else links the door of Echo v5", "a program links it only if it imports that door",
			house.Unlinked{In: everywhere, Except: []string{"echov5auth"}, Imports: echo5},
			"bundle/x.go", `package bundle; import _ "github.com/labstack/echo/v5"`,
		},
		{
			"the door of Echo v5 links no Echo v4", "a program with the one need not carry the other, but for what the root package has",
			house.Unlinked{In: []string{"echov5auth"}, Imports: echo4},
			"echov5auth/x.go", `package echov5auth; import _ "github.com/labstack/echo/v4"`,
		},
		{
			"the doors know the core alone", "what two doors share is package transport's",
			house.Allow{In: []string{"echoauth", "httpauth", "echov5auth"}, Own: []string{"authn", "authz", "transport", "internal/slot"}},
			"httpauth/x.go", `package httpauth; import _ "` + modulePath + `/echoauth"`,
		},
		{
			"zxcvbn stays in its package", "its dictionaries weigh 1 MB and are unpacked at the start of every program that links them: one imports the estimate that shows it",
			house.Unlinked{In: everywhere, Except: []string{"authn/strength"}, Imports: []string{"github.com/ccojocar/zxcvbn-go/..."}},
			"authn/x.go", `package authn; import _ "github.com/ccojocar/zxcvbn-go"`,
		},
		{
			"the estimate of passwords knows the hub alone", "it is a condition on passwords, and no part of a login",
			house.Allow{In: []string{"authn/strength"}, Own: []string{"authn", "setting"}},
			"authn/strength/x.go", `package strength; import _ "` + modulePath + `/session"`,
		},
		{
			"chi is for tests", "httpauth serves any router; chi is one that it is tested with",
			house.Deny{In: everywhere, Imports: []string{"github.com/go-chi/chi/..."}},
			"httpauth/x.go", `package httpauth; import _ "github.com/go-chi/chi/v5"`,
		},
		{
			"fx stays in the wiring", "everything works without fx: constructors are plain functions",
			house.Deny{In: everywhere, Except: fxUsers, ExceptFiles: []string{"module.go"}, Imports: fxModules},
			"authn/x.go", `package authn; import _ "go.uber.org/fx"`,
		},
		{
			"a module.go is for opt-in packages", "a core package has no fx module of its own; bundle wires it",
			house.Deny{In: core, Imports: fxModules},
			"session/module.go", `package session; import _ "go.uber.org/fx"`,
		},
		{
			"the core links neither fx nor Echo", "a program without them must not carry them",
			house.Unlinked{In: core, Imports: slices.Concat(echoModules, fxModules)},
			"transport/x.go", `package transport; import _ "github.com/labstack/echo/v4"`,
		},
	}
}

func codeRules() []houseRule {
	return []houseRule{
		{
			"testing is for tests and test kits", "it adds flags and weight to a program",
			house.Deny{In: everywhere, Except: testKits, Imports: testingLibs},
			"internal/peer/x.go", `package peer; import _ "testing"`,
		},
		{
			"testing is not linked", "neither through our packages nor through others",
			house.Unlinked{In: everywhere, Except: testKits, Imports: testingLibs},
			"x.go", `package authmodule; import _ "testing"`,
		},
		{
			"no templates in the core", "a template that is linked keeps the linker from dropping unused methods; the core has no pages",
			house.Deny{In: everywhere, Except: []string{"account/smtp", "fxtest", "example/...", "cmd/..."}, Imports: templates},
			"bundle/x.go", `package bundle; import _ "html/template"`,
		},
		{
			"no templates linked", "envconfig brings text/template for a usage text that nobody asks for; the linker drops the engine and keeps 23 kB of helpers (go tool nm -size). That alone is excused",
			house.Unlinked{
				In: append([]string{".", "bundle", "echoauth"}, core...), Imports: templates,
				Via: []string{"github.com/kelseyhightower/envconfig"},
			},
			"echoauth/x.go", `package echoauth; import _ "text/template"`,
		},
		{
			"no guessable random numbers", "secrets come from crypto/rand; nobody has to ask which rand a file means",
			house.Deny{In: everywhere, Imports: []string{"math/rand/..."}},
			"authn/x.go", `package authn; import _ "math/rand/v2"`,
		},
		{
			"no init functions", "importing a package does nothing",
			house.NoInit{In: everywhere},
			"authn/x.go", `package authn; func init() {}`,
		},
		{
			"package variables do not vary", "two services in one program must not meet in a variable",
			house.NoVarying{In: everywhere},
			"authn/x.go", `package authn; var n int; func count() { n++ }`,
		},
		{
			"tests do not sleep", "a sleep is too short on a slow machine and too long on all others; in a synctest bubble it takes no time",
			house.NoCall{In: everywhere, Funcs: []string{"time.Sleep"}, Tests: true, Bubbles: true},
			"authn/x_test.go", `package authn_test; import "time"; func wait() { time.Sleep(1) }`,
		},
		{
			"the clock is passed in", "what depends on the time can be tested at any time; naming time.Now as a default is fine",
			house.NoCall{
				In: everywhere, Except: []string{"example/...", "internal/cmd/...", "bench/..."},
				Funcs: []string{"time.Now", "time.Since", "time.Until"}, Files: clockReaders(),
			},
			"session/x.go", `package session; import "time"; var now = time.Now()`,
		},
		{
			"secrets are compared in constant time", "the time of a comparison that ends at the first difference tells how much of a guess is right (TIM-01)",
			house.NoCall{
				In: everywhere, Except: []string{"internal/cmd/...", "bench/...", "internal/house"},
				Funcs: []string{"bytes.Equal", "bytes.Compare", "bytes.HasPrefix", "reflect.DeepEqual"}, Files: openComparers(),
			},
			"account/x.go", `package account; import "bytes"; func same(a, b []byte) bool { return bytes.Equal(a, b) }`,
		},
	}
}

// clockReaders are the files that read the clock themselves, each with the reason.
func clockReaders() map[string]string {
	return map[string]string{
		"fxtest/app.go": "the clock of a test starts at the present, so that tokens and certificates made elsewhere are valid",
	}
}

// openComparers are the files that compare what is no secret, each with the reason.
func openComparers() map[string]string {
	return map[string]string{
		"audit/chain.go":           "the hash before, which stands in the journal for every reader; what is keyed is compared in constant time",
		"audit/verify.go":          "as in audit/chain.go",
		"transport/certificate.go": "the names in a certificate, which everybody may see",
	}
}

// loadModule reads the module once for all tests.
var loadModule = sync.OnceValues(func() (*house.Module, error) {
	return house.Load(context.Background(), ".")
})

func TestHouseRules(t *testing.T) {
	t.Parallel()
	m, err := loadModule()
	require.NoError(t, err)
	require.Equal(t, modulePath, m.Path)
	for _, tc := range houseRules() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, breach := range tc.rule.Check(m) {
				t.Errorf("%s\n\trule: %s, because %s", breach, tc.name, tc.reason)
			}
		})
	}
}

// TestHouseRulesBite shows that each rule finds the breach that is written beside it.
func TestHouseRulesBite(t *testing.T) {
	t.Parallel()
	for _, tc := range houseRules() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.NotEmpty(t, tc.reason)
			m, err := house.Fake(modulePath, map[string]string{tc.file: tc.source})
			require.NoError(t, err)
			assert.NotEmpty(t, tc.rule.Check(m))
		})
	}
}

// TestExcusedFilesExist keeps the lists of excused files from outliving them.
func TestExcusedFilesExist(t *testing.T) {
	t.Parallel()
	for _, list := range []map[string]string{clockReaders(), openComparers()} {
		for file, reason := range list {
			assert.FileExists(t, file)
			assert.NotEmpty(t, reason, file)
		}
	}
}
