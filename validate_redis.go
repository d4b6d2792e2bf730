package authmodule

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/authmodule/authmodule/internal/redispart"
)

const (
	defaultRedisPrefix = "authmodule"
	longestRedisPrefix = 64
	largestRedisDB     = 1023
)

func (p *problems) redis(c StoreConfig) {
	switch c.Sessions {
	case "":
		p.noRedis(c.Redis)
		return
	case SessionsRedis:
	default:
		p.add("store.sessions", "is unknown", "set $VAR to redis, or leave it out to keep sessions where the driver keeps the rest")
		return
	}
	if len(c.Redis.Addr) == 0 {
		p.add("store.redis.addr", "is not set, and auth.store.sessions is redis", "set $VAR to host:port, for example: 127.0.0.1:6379")
	}
	for _, addr := range c.Redis.Addr {
		if !validAddr(addr) {
			p.add("store.redis.addr", "has an item that is not host:port", "set $VAR to host:port, or to several separated by commas")
			break
		}
	}
	p.redisKeys(c.Redis)
}

func (p *problems) redisKeys(c RedisConfig) {
	if !validRedisPrefix(c.Prefix) {
		p.add("store.redis.prefix", "cannot begin a key", fmt.Sprintf("set $VAR to 1 to %d letters, digits, periods, hyphens and underscores", longestRedisPrefix))
	}
	if c.DB < 0 || c.DB > largestRedisDB {
		p.add("store.redis.db", "is out of range", fmt.Sprintf("set $VAR to a whole number from 0 to %d", largestRedisDB))
	} else if c.DB > 0 && len(c.Addr) > 1 {
		p.add("store.redis.db", "is set beside several addresses, and a cluster has database 0 alone", "leave $VAR out")
	}
	if c.Username != "" && c.Password == "" {
		p.add("store.redis.password", "is not set, and auth.store.redis.username is", "set $VAR")
	}
}

// noRedis refuses what would silently do nothing.
func (p *problems) noRedis(c RedisConfig) {
	if len(c.Addr) > 0 {
		p.add("store.redis.addr", "is set but sessions are not kept in Redis", "set LEX_AUTH__STORE__SESSIONS to redis, or leave $VAR out")
	}
}

func validAddr(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	n, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil && host != "" && n > 0
}

func validRedisPrefix(text string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return len(text) <= longestRedisPrefix && strings.Trim(text, plain) == ""
}

func (c RedisConfig) settings() redispart.Settings {
	return redispart.Settings{Addrs: c.Addr, Username: c.Username, Password: c.Password, TLS: c.TLS, Prefix: c.Prefix, DB: int(c.DB)}
}

// plainRedis warns of passwords and sessions that travel unencrypted to another machine.
func (c Config) plainRedis() string {
	if c.Store.Sessions != SessionsRedis || c.Store.Redis.TLS {
		return ""
	}
	for _, addr := range c.Store.Redis.Addr {
		host, _, err := net.SplitHostPort(addr)
		ip, errIP := netip.ParseAddr(host)
		if err == nil && host != "localhost" && (errIP != nil || !ip.IsLoopback()) {
			return warning("store.redis.tls", "is false: what is written to Redis, its password included, travels unencrypted")
		}
	}
	return ""
}
