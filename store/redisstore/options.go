package redisstore

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Options say where Redis is and how to reach it. Addrs is required.
type Options struct {
	// Addrs are one server's host:port, or those of some nodes of a cluster.
	Addrs []string
	// Username and Password are those of Redis' ACL; a password alone is the default user's.
	Username string
	Password setting.Secret
	// TLS encrypts the connection. Nil is plain text.
	TLS *tls.Config
	// DB is the number of the database. A cluster has 0 alone.
	DB int
	// Prefix begins every key, so that applications can share a server: 1 to
	// 64 of a-z, A-Z, 0-9, period, hyphen and underscore. Defaults to authmodule.
	Prefix string
	// Timeout ends a call whose context has no earlier deadline. Defaults to 3 seconds.
	Timeout time.Duration
	// Now is the clock from which the life of keys is counted, which only drops what
	// is long dead. Defaults to time.Now.
	Now func() time.Time
	// Log defaults to slog.Default.
	Log *slog.Logger
}

// DefaultPrefix begins the keys of a store that names no other prefix.
const DefaultPrefix = "authmodule"

const (
	defaultTimeout = 3 * time.Second
	longestPrefix  = 64
)

func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

func (o Options) check() error {
	if len(o.Addrs) == 0 {
		return errors.New("redisstore: no address is given")
	}
	if !validPrefix(o.Prefix) {
		return fmt.Errorf("redisstore: a prefix is 1 to %d letters, digits, periods, hyphens and underscores", longestPrefix)
	}
	return nil
}

func validPrefix(text string) bool {
	return text != "" && len(text) <= longestPrefix && strings.IndexFunc(text, func(c rune) bool {
		return c > 127 || !plain(byte(c))
	}) < 0
}
