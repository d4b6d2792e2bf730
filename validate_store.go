package authmodule

import "strings"

func (p *problems) store(c StoreConfig) {
	switch c.Driver {
	case "", DriverMemory:
		p.noDatabase(c)
	case DriverSQLite:
		p.sqlite(c.DSN.Reveal())
	case DriverPostgres:
		p.postgres(c.DSN.Reveal())
	case "postgresql", "pgx":
		p.add("store.driver", "is unknown", "set $VAR to postgres")
	default:
		p.add("store.driver", "is unknown", "set $VAR to postgres, sqlite or memory")
	}
	switch c.Migrate {
	case "", MigrateAuto, MigrateCheck, MigrateOff:
	default:
		p.add("store.migrate", "is unknown", "set $VAR to auto, check or off")
	}
}

// sqlite leaves an empty name to the start, where [UseDatabase] may stand in for it.
func (p *problems) sqlite(dsn string) {
	if strings.HasPrefix(dsn, "file:") || strings.Contains(dsn, ":memory:") {
		p.add("store.dsn", "is not the plain path of a file", "set $VAR to one, for example: auth.db; a store in memory is LEX_AUTH__STORE__DRIVER=memory")
	}
}

// postgres leaves an empty address to the start, where [UseDatabase] may stand in for it.
func (p *problems) postgres(dsn string) {
	isAddress := strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
	if dsn != "" && !isAddress && !strings.Contains(dsn, "=") {
		p.add("store.dsn", "is no address of a PostgreSQL database", "set $VAR to one, for example: postgres://user@host:5432/database?sslmode=verify-full")
	}
}

func (p *problems) noDatabase(c StoreConfig) {
	if c.Driver == "" && p.strict {
		p.add("store.driver", "is not named", "set $VAR to postgres or sqlite, or to memory if losing everything at a restart is meant")
		return
	}
	if c.DSN != "" {
		p.add("store.dsn", "is set but the store is memory", "set LEX_AUTH__STORE__DRIVER to postgres or sqlite, or leave $VAR out")
	}
}
