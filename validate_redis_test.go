package authmodule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule"
)

func TestValidateRedis(t *testing.T) {
	t.Parallel()
	redis := func(change func(*authmodule.StoreConfig)) func(*authmodule.Config) {
		return func(c *authmodule.Config) {
			c.Store.Sessions, c.Store.Redis.Addr = authmodule.SessionsRedis, []string{"127.0.0.1:6379"}
			change(&c.Store)
		}
	}
	for _, profile := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging, authmodule.ProfileProduction} {
		check(t, profile, []change{
			{"sound", redis(func(*authmodule.StoreConfig) {}), ""},
			{"all of it", redis(func(c *authmodule.StoreConfig) {
				c.Redis = authmodule.RedisConfig{Addr: []string{"[::1]:6379"}, Username: "app", Password: canary, TLS: true, Prefix: "My-app_1.x", DB: 3}
			}), ""},
			{"a cluster", redis(func(c *authmodule.StoreConfig) { c.Redis.Addr = []string{"a:1", "b:2"} }), ""},
			{"unknown", redis(func(c *authmodule.StoreConfig) { c.Sessions = "valkey" }),
				"auth.store.sessions is unknown: set LEX_AUTH__STORE__SESSIONS to redis, or leave it out to keep sessions where the driver keeps the rest"},
			{"no address", redis(func(c *authmodule.StoreConfig) { c.Redis.Addr = nil }),
				"auth.store.redis.addr is not set, and auth.store.sessions is redis: set LEX_AUTH__STORE__REDIS__ADDR to host:port, for example: 127.0.0.1:6379"},
			{"no port", redis(func(c *authmodule.StoreConfig) { c.Redis.Addr = []string{"127.0.0.1"} }),
				"auth.store.redis.addr has an item that is not host:port: set LEX_AUTH__STORE__REDIS__ADDR to host:port, or to several separated by commas"},
			{"a URL", redis(func(c *authmodule.StoreConfig) { c.Redis.Addr = []string{"redis://a:6379"} }),
				"auth.store.redis.addr has an item that is not host:port: set LEX_AUTH__STORE__REDIS__ADDR to host:port, or to several separated by commas"},
			{"an address for nobody", redis(func(c *authmodule.StoreConfig) { c.Sessions = "" }),
				"auth.store.redis.addr is set but sessions are not kept in Redis: set LEX_AUTH__STORE__SESSIONS to redis, or leave LEX_AUTH__STORE__REDIS__ADDR out"},
			{"a prefix with a tag", redis(func(c *authmodule.StoreConfig) { c.Redis.Prefix = "a{b}" }),
				"auth.store.redis.prefix cannot begin a key: set LEX_AUTH__STORE__REDIS__PREFIX to 1 to 64 letters, digits, periods, hyphens and underscores"},
			{"a long prefix", redis(func(c *authmodule.StoreConfig) { c.Redis.Prefix = strings.Repeat("a", 65) }),
				"auth.store.redis.prefix cannot begin a key: set LEX_AUTH__STORE__REDIS__PREFIX to 1 to 64 letters, digits, periods, hyphens and underscores"},
			{"a database of a cluster", redis(func(c *authmodule.StoreConfig) { c.Redis.Addr, c.Redis.DB = []string{"a:1", "b:2"}, 1 }),
				"auth.store.redis.db is set beside several addresses, and a cluster has database 0 alone: leave LEX_AUTH__STORE__REDIS__DB out"},
			{"no database", redis(func(c *authmodule.StoreConfig) { c.Redis.DB = -1 }),
				"auth.store.redis.db is out of range: set LEX_AUTH__STORE__REDIS__DB to a whole number from 0 to 1023"},
			{"a user without a password", redis(func(c *authmodule.StoreConfig) { c.Redis.Username = "app" }),
				"auth.store.redis.password is not set, and auth.store.redis.username is: set LEX_AUTH__STORE__REDIS__PASSWORD"},
		})
	}
}

func TestRedisOverPlainTextIsAWarning(t *testing.T) {
	t.Parallel()
	for addr, warned := range map[string]bool{"127.0.0.1:6379": false, "localhost:1": false, "[::1]:1": false, "10.0.0.1:1": true, "redis.internal:1": true} {
		c := sound(authmodule.ProfileProduction)
		c.Store.Sessions, c.Store.Redis.Addr = authmodule.SessionsRedis, []string{addr}
		assert.Equal(t, warned, strings.Contains(strings.Join(c.Warnings(), "\n"), "auth.store.redis.tls is false"), addr)
		c.Store.Redis.TLS = true
		assert.NotContains(t, strings.Join(c.Warnings(), "\n"), "auth.store.redis.tls")
	}
}

func TestRedisPasswordDoesNotShow(t *testing.T) {
	t.Parallel()
	c := sound(authmodule.ProfileProduction)
	c.Store.Redis.Password = canary
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %d", c, &c, c, c, c), canary)
}
