package sqlstore

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// migrationFiles are named <version>_<name>.sql; versions count from 1
// without a gap. A released file never changes.
//
//go:embed migrations
var migrationFiles embed.FS

type migration struct {
	version             int
	name, sql, checksum string
}

// String is the file's name without its ending, such as 0001_init.
func (m migration) String() string { return fmt.Sprintf("%04d_%s", m.version, m.name) }

// migrations are the dialect's, in order.
func (d Dialect) migrations() ([]migration, error) {
	files, err := migrationFiles.ReadDir(d.folder())
	if err != nil {
		return nil, err
	}
	var list []migration
	for i, f := range files {
		text, err := migrationFiles.ReadFile(d.folder() + "/" + f.Name())
		if err != nil {
			return nil, err
		}
		m, err := parseMigration(f.Name(), text)
		if err != nil {
			return nil, err
		}
		if m.version != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", f.Name(), i+1)
		}
		list = append(list, m)
	}
	return list, nil
}

func parseMigration(file string, text []byte) (migration, error) {
	number, name, ok := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
	version, err := strconv.Atoi(number)
	if !ok || err != nil {
		return migration{}, fmt.Errorf("migration %q is not named <version>_<name>.sql", file)
	}
	// A checkout may have changed the line ends.
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	sum := sha256.Sum256(text)
	return migration{version: version, name: name, sql: string(text), checksum: hex.EncodeToString(sum[:])}, nil
}
