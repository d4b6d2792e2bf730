package redisstore

import (
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
)

// keys are the names of everything that is stored. What comes from outside is
// escaped, so that no value can end its part of a key or name a hash tag.
//
//	<prefix>:{<tag>}:s:<tenant>:<session>   a session
//	<prefix>:{<tag>}:u:<tenant>:<subject>   the sessions of an account that have not ended
//	<prefix>:a:<tenant>:<session>           the tag of a session whose ID does not have it
//	<prefix>:n:<tenant>                     the sessions of a tenant, in order of ID
//	<prefix>:d:<shard>, <prefix>:e:<shard>  when sessions and one-time records are due to be dropped
//	<prefix>:o:<tenant>:<purpose>:<id>      a one-time record
//	<prefix>:c:<tenant>:<kind>:<id>         a counter
//	<prefix>:f:<shard>                      when counters are due to be dropped
//	<prefix>:{log}:…                        the revocation log
type keys struct{ prefix string }

func (k keys) sessionBase(tag string, t authn.Tenant) string {
	return k.prefix + ":{" + tag + "}:s:" + escape(string(t)) + ":"
}

func (k keys) session(tag string, t authn.Tenant, id string) string {
	return k.sessionBase(tag, t) + escape(id)
}

func (k keys) subject(s authn.Subject) string {
	return k.prefix + ":{" + tagOf(s) + "}:u:" + escape(string(s.Tenant)) + ":" + escape(s.ID)
}

func (k keys) alias(t authn.Tenant, id string) string {
	return k.prefix + ":a:" + escape(string(t)) + ":" + escape(id)
}

func (k keys) tenant(t authn.Tenant) string { return k.prefix + ":n:" + escape(string(t)) }

func (k keys) oneTime(t authn.Tenant, purpose, id string) string {
	return k.prefix + ":o:" + escape(string(t)) + ":" + escape(purpose) + ":" + escape(id)
}

func (k keys) counter(c authn.CounterKey) string {
	return k.prefix + ":c:" + escape(string(c.Tenant)) + ":" + escape(string(c.Kind)) + ":" + escape(c.ID)
}

func (k keys) log(part string) string { return k.prefix + ":{log}:" + part }
func (k keys) channel() string        { return k.prefix + ":log" }

// shards is how many indexes share the work of pruning. It is part of what is stored.
const shards = 16

func (k keys) shard(kind string, n int) string { return k.prefix + ":" + kind + ":" + strconv.Itoa(n) }

// due is the index that has the member.
func (k keys) due(kind, member string) string {
	return k.shard(kind, int(crc32.ChecksumIEEE([]byte(member))%shards))
}

func tagOf(s authn.Subject) string { return credential.Tag(string(s.Tenant), s.ID) }

const hexDigits = "0123456789ABCDEF"

// escape keeps what is plain and writes any other byte as %XX. Different texts stay different.
func escape(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := range len(text) {
		if c := text[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}
