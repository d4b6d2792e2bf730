package memstore

import (
	"time"
	"unique"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// micros is a time as it is kept, in microseconds since 1970: a third of what a time.Time takes.
type micros int64

var never = moment(time.Time{})

func moment(t time.Time) micros { return micros(t.UnixMicro()) }

func (m micros) time() time.Time { return time.UnixMicro(int64(m)).UTC() }

func (m micros) isZero() bool { return m == never }

// kept is a record in the table. Those of one subject that were not ended are a list by
// their own pointers, which costs less than a map for each subject.
type kept struct {
	subject      authn.Subject
	id           string
	carrier      authn.Carrier
	methods      []string
	endReason    authn.EndReason
	confirmation authn.Confirmation

	secretHash, previousHash []byte
	generation, epoch        int64
	actor, actorSession      string
	prev, next               *kept

	authTime, mfaTime, rotatedAt, createdAt, lastUsedAt, idleAt, endsAt, endedAt micros

	ip, userAgent, device, deviceID string
	// method is room for the only one of methods, which most records have.
	method [1]string
	// gone: it is in the table no more.
	gone, remember bool
}

// keep returns the record as the table has it, sharing no memory with r.
func keep(r session.Record) *kept {
	k, methods := &kept{}, r.Methods
	if len(methods) == 1 {
		r.Methods = nil
	}
	own(&r)
	k.set(&r)
	if len(methods) == 1 {
		k.method[0] = methods[0]
		k.methods = k.method[:]
	}
	k.device = unique.Make(r.Device).Value() // few are distinct
	return k
}

// set takes over what the record has.
func (k *kept) set(r *session.Record) {
	k.subject, k.id, k.carrier, k.remember = r.Subject, r.ID, r.Carrier, r.Remember
	k.secretHash, k.previousHash, k.generation, k.epoch = r.SecretHash, r.PreviousHash, r.Generation, r.Epoch
	k.methods, k.authTime, k.mfaTime = r.Methods, moment(r.AuthTime), moment(r.MFATime)
	k.rotatedAt, k.createdAt, k.lastUsedAt = moment(r.RotatedAt), moment(r.CreatedAt), moment(r.LastUsedAt)
	k.idleAt, k.endsAt, k.endedAt, k.endReason = moment(r.IdleAt), moment(r.EndsAt), moment(r.EndedAt), r.EndReason
	k.actor, k.actorSession, k.confirmation = r.Actor, r.ActorSession, r.Confirmation
	k.ip, k.userAgent, k.device, k.deviceID = r.IP, r.UserAgent, r.Device, r.DeviceID
}

// record returns a copy, which shares no memory with the table.
func (k *kept) record() (r session.Record) {
	k.fill(&r)
	own(&r)
	return r
}

// fill is the opposite of set.
func (k *kept) fill(r *session.Record) {
	r.Subject, r.ID, r.Carrier, r.Remember = k.subject, k.id, k.carrier, k.remember
	r.SecretHash, r.PreviousHash, r.Generation, r.Epoch = k.secretHash, k.previousHash, k.generation, k.epoch
	r.Methods, r.AuthTime, r.MFATime = k.methods, k.authTime.time(), k.mfaTime.time()
	r.RotatedAt, r.CreatedAt, r.LastUsedAt = k.rotatedAt.time(), k.createdAt.time(), k.lastUsedAt.time()
	r.IdleAt, r.EndsAt, r.EndedAt, r.EndReason = k.idleAt.time(), k.endsAt.time(), k.endedAt.time(), k.endReason
	r.Actor, r.ActorSession, r.Confirmation = k.actor, k.actorSession, k.confirmation
	r.IP, r.UserAgent, r.Device, r.DeviceID = k.ip, k.userAgent, k.device, k.deviceID
}

func (k *kept) key() sessionKey { return sessionKey{k.subject.Tenant, k.id} }

func (k *kept) live(now time.Time) bool {
	at := moment(now)
	return k.endedAt.isZero() && at < k.idleAt && at < k.endsAt
}

// use records a use. One that is reported late moves no time backwards and
// leaves the description of the later client.
func (k *kept) use(u session.Use) {
	if at := moment(u.At); at >= k.lastUsedAt {
		k.lastUsedAt = at
		k.ip, k.userAgent, k.device = u.IP, u.UserAgent, u.Device
	}
	k.idleAt = max(k.idleAt, moment(u.IdleAt))
}

func (k *kept) prove(p session.Proved) {
	p.AuthTime, p.MFATime = stamp(p.AuthTime), stamp(p.MFATime)
	var r session.Record
	k.fill(&r)
	r.Prove(p)
	k.set(&r)
}
