package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// measured are the modules whose versions belong to the figures.
func measured() []string {
	return []string{
		"github.com/labstack/echo/v4", "github.com/labstack/echo-jwt/v4", "github.com/golang-jwt/jwt/v5",
		"github.com/lestrrat-go/jwx/v3", "github.com/go-jose/go-jose/v4",
		"github.com/alexedwards/scs/v2", "github.com/alexedwards/scs/sqlite3store", "github.com/alexedwards/scs/pgxstore", "github.com/alexedwards/scs/goredisstore",
		"github.com/gorilla/sessions", "modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/redis/go-redis/v9", "github.com/redis/rueidis",
		"github.com/casbin/casbin/v2", "github.com/casbin/casbin/v3", "github.com/cedar-policy/cedar-go", "github.com/open-policy-agent/opa", "cel.dev/cel-go", "github.com/alexedwards/argon2id",
	}
}

// Machine says in one paragraph what was measured with, and on what.
func Machine() string {
	var versions []string
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if slices.Contains(measured(), module.Path) {
				versions = append(versions, strings.TrimPrefix(module.Path, "github.com/")+" "+module.Version)
			}
		}
	}
	return fmt.Sprintf("%s, %s/%s, %s, GOMAXPROCS %d. %s.",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, processor(), runtime.GOMAXPROCS(0), strings.Join(versions, ", "))
}

// processor is the model as Linux tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
