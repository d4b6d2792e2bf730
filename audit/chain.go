package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

const (
	// entryDomain, headDomain and keyDomain keep what is hashed for one purpose from passing for another.
	entryDomain = "authmodule audit entry 1"
	headDomain  = "authmodule audit head 1"
	keyDomain   = "authmodule audit key 1"
	// keyIDBytes is how much of a hash names a key.
	keyIDBytes = 8
	// ShortestKey is the least length of a journal's key, in bytes.
	ShortestKey = 32
)

// ErrJournalBroken: the chain, or the record of its ends, is not what a journal with one of these keys left there. Nothing more is
// chained or dropped then: what was done to it would be covered up. [Journal.Verify] says more.
var ErrJournalBroken = errors.New("audit: the journal was changed by somebody else")

// ErrJournalMoving: each time, old entries were dropped before they were read, so that nothing can be said about the chain. Try again.
var ErrJournalMoving = errors.New("audit: the journal is being dropped from; verify it again")

// signer makes hashes with one key. The key is in the function alone, so that it cannot be printed.
type signer struct {
	id  string
	mac func(parts ...[]byte) []byte
}

func newSigner(key []byte) (signer, error) {
	if len(key) < ShortestKey {
		return signer{}, fmt.Errorf("audit: a journal's key has %d bytes, it needs %d", len(key), ShortestKey)
	}
	own := append([]byte{}, key...)
	s := signer{mac: func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, own)
		var size [8]byte
		for _, part := range parts {
			binary.BigEndian.PutUint64(size[:], uint64(len(part)))
			_, _ = h.Write(size[:]) // it never fails
			_, _ = h.Write(part)
		}
		return h.Sum(nil)
	}}
	s.id = hex.EncodeToString(s.mac([]byte(keyDomain))[:keyIDBytes])
	return s, nil
}

// entry is the hash of an entry.
func (s signer) entry(e Entry) []byte {
	return s.mac([]byte(entryDomain), e.Prev, number(e.Seq), []byte(e.KeyID), e.Payload)
}

func (s signer) head(h Head) []byte {
	return s.mac([]byte(headDomain), number(h.Seq), h.Hash, number(h.DroppedSeq), h.DroppedHash, []byte(h.KeyID))
}

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// signed is the head with the signer's MAC.
func (s signer) signed(h Head) Head {
	h.KeyID = s.id
	h.MAC = s.head(h)
	return h
}

// keyring has the signers by their IDs; the first signs.
type keyring struct {
	signs signer
	byID  map[string]signer
}

func newKeyring(key []byte, previous [][]byte) (keyring, error) {
	signs, err := newSigner(key)
	if err != nil {
		return keyring{}, err
	}
	ring := keyring{signs: signs, byID: map[string]signer{signs.id: signs}}
	for _, old := range previous {
		s, err := newSigner(old)
		if err != nil {
			return keyring{}, err
		}
		ring.byID[s.id] = s
	}
	return ring, nil
}

// authentic returns [ErrJournalBroken] for a head that no key of the ring made. One that is missing altogether is authentic.
func (r keyring) authentic(h Head) error {
	if h.blank() {
		return nil
	}
	s, known := r.byID[h.KeyID]
	switch {
	case !known:
		return fmt.Errorf("%w: its key %q is unknown: is a secret missing in auth.previous_secret_keys?", ErrJournalBroken, h.KeyID)
	case !hmac.Equal(s.head(h), h.MAC):
		return fmt.Errorf("%w: the record of its ends is not authentic", ErrJournalBroken)
	}
	return nil
}

func (h Head) blank() bool {
	return h.Seq == 0 && h.DroppedSeq == 0 && len(h.Hash)+len(h.DroppedHash)+len(h.MAC) == 0 && h.KeyID == ""
}

// link appends what waits to the chain.
func (r keyring) link(h Head, waiting []Waiting) ([]Entry, Head, error) {
	if err := r.authentic(h); err != nil {
		return nil, Head{}, err
	}
	entries := make([]Entry, 0, len(waiting))
	for _, w := range waiting {
		e := Entry{Seq: h.Seq + 1, Waiting: w, KeyID: r.signs.id, Prev: h.Hash}
		e.Hash = r.signs.entry(e)
		h.Seq, h.Hash = e.Seq, e.Hash
		entries = append(entries, e)
	}
	return entries, r.signs.signed(h), nil
}

// move is the head when the entries, which are the first of the chain, are dropped. It refuses those that were changed, whose age is
// not known: dropping them would leave no trace.
func (r keyring) move(h Head, dropped []Entry) (Head, error) {
	if err := r.authentic(h); err != nil {
		return Head{}, err
	}
	for _, e := range dropped {
		if e.Seq != h.DroppedSeq+1 || e.Seq > h.Seq || !r.follows(h.DroppedHash, e) {
			return Head{}, fmt.Errorf("%w: entry %d is old and is kept, since it, or what was before it, is not what was chained there", ErrJournalBroken, e.Seq)
		}
		h.DroppedSeq, h.DroppedHash = e.Seq, e.Hash
	}
	return r.signs.signed(h), nil
}

// follows reports whether a key of the ring chained the entry, as it is, to the one with the hash prev.
func (r keyring) follows(prev []byte, e Entry) bool { return bytes.Equal(e.Prev, prev) && r.made(e) }

// made reports whether a key of the ring chained the entry as it is.
func (r keyring) made(e Entry) bool {
	s, known := r.byID[e.KeyID]
	return known && hmac.Equal(s.entry(e), e.Hash) && e.faithful()
}
