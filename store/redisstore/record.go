package redisstore

import (
	"strconv"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// version is the first byte of a record. A record of another one is an error, never an absent record.
const version = 1

// encodeSession packs a record: first what the scripts work with, as
// lua/record.lua says, then the rest.
func encodeSession(r session.Record) (string, error) {
	w := &writer{b: make([]byte, 0, 512)}
	w.byte(version)
	w.time(r.EndedAt)
	w.int(r.Generation)
	w.time(r.RotatedAt)
	w.time(r.LastUsedAt)
	w.time(r.IdleAt)
	w.time(r.EndsAt)
	for _, text := range []string{string(r.SecretHash), string(r.PreviousHash), string(r.EndReason), r.IP, r.UserAgent, r.Device} {
		w.text(text)
	}
	w.time(r.AuthTime)
	w.time(r.CreatedAt)
	w.int(r.Epoch)
	w.flag(r.Remember)
	for _, text := range []string{string(r.Subject.Tenant), r.Subject.ID, r.ID, string(r.Carrier), r.Confirmation.Text(), r.DeviceID} {
		w.text(text)
	}
	w.text(strconv.Itoa(len(r.Methods)))
	for _, method := range r.Methods {
		w.text(method)
	}
	if hasTail(r) {
		w.time(r.MFATime)
		w.text(r.Actor)
		w.text(r.ActorSession)
	}
	return w.done()
}

// hasTail reports a record that says more than those of before the tail was added, which nodes of an older release cannot
// read, and so refuse.
func hasTail(r session.Record) bool {
	return !r.MFATime.IsZero() || r.Actor != "" || r.ActorSession != ""
}

// decodeSession unpacks a record.
func decodeSession(blob string) (session.Record, error) {
	in := &reader{s: blob, bad: len(blob) > largest}
	if v := in.byte(); !in.bad && v != version {
		return session.Record{}, errVersion
	}
	var r session.Record
	r.EndedAt, r.Generation, r.RotatedAt, r.LastUsedAt, r.IdleAt, r.EndsAt = in.time(), in.int(), in.time(), in.time(), in.time(), in.time()
	r.SecretHash, r.PreviousHash, r.EndReason = []byte(in.text()), []byte(in.text()), authn.EndReason(in.text())
	r.IP, r.UserAgent, r.Device = in.text(), in.text(), in.text()
	r.AuthTime, r.CreatedAt, r.Epoch, r.Remember = in.time(), in.time(), in.int(), in.flag()
	r.Subject = authn.Subject{Tenant: authn.Tenant(in.text()), ID: in.text()}
	r.ID, r.Carrier = in.text(), authn.Carrier(in.text())
	confirmation := in.text()
	r.DeviceID = in.text()
	r.Methods = methods(in)
	if !in.bad && in.s != "" {
		r.MFATime, r.Actor, r.ActorSession = in.time(), in.text(), in.text()
		in.bad = in.bad || !hasTail(r)
	}
	if err := in.done(); err != nil {
		return session.Record{}, err
	}
	var err error
	if r.Confirmation, err = authn.ParseConfirmation(confirmation); err != nil {
		return session.Record{}, err
	}
	return r, nil
}

func methods(in *reader) []string {
	count := in.text()
	n, err := strconv.Atoi(count)
	if err != nil || strconv.Itoa(n) != count || n < 0 || n > len(in.s)/4 {
		in.bad = true
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, in.text())
	}
	return list
}

// decodeSessions unpacks the records of one account.
func decodeSessions(s authn.Subject, blobs []string) ([]session.Record, error) {
	list := make([]session.Record, 0, len(blobs))
	for _, blob := range blobs {
		r, err := decodeSession(blob)
		if err != nil {
			return nil, err
		}
		if r.Subject != s {
			return nil, errForeign
		}
		list = append(list, r)
	}
	return list, nil
}
