package redisstore

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"
)

const (
	// none stands for no time.
	none = -(1 << 53)
	// farthest bounds times: Lua counts in doubles, which are exact up to there. It is the year 2255.
	farthest = 1<<53 - 1
	// largest bounds a stored value. What is written first takes half of it at most: uses may make it longer.
	largest = 1 << 20
)

var (
	errTime      = errors.New("a time is out of range")
	errMalformed = errors.New("a stored record is damaged")
	errVersion   = errors.New("a stored record has an unknown version: it was written by another release")
	errLarge     = errors.New("the record is too large")
	errForeign   = errors.New("the answer is another record than the one asked for")
)

// micros is a time as it is stored.
func micros(t time.Time) (int64, error) {
	if t.IsZero() {
		return none, nil
	}
	if n := t.UnixMicro(); n >= -farthest && n <= farthest {
		return n, nil
	}
	return 0, errTime
}

// clamped is a time that only orders.
func clamped(t time.Time) int64 { return min(max(t.UnixMicro(), -farthest), farthest) }

func timeOf(n int64) time.Time {
	if n == none {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// writer packs numbers and texts; the first error stays.
type writer struct {
	b   []byte
	err error
}

func (w *writer) byte(b byte) { w.b = append(w.b, b) }

func (w *writer) flag(set bool) {
	if set {
		w.byte(1)
		return
	}
	w.byte(0)
}

func (w *writer) int(n int64) { w.b = binary.BigEndian.AppendUint64(w.b, uint64(n)) }

func (w *writer) time(t time.Time) {
	n, err := micros(t)
	w.int(n)
	w.err = errors.Join(w.err, err)
}

func (w *writer) text(s string) {
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(len(s)))
	w.b = append(w.b, s...)
}

// done returns what was packed.
func (w *writer) done() (string, error) {
	if w.err == nil && len(w.b) > largest/2 {
		w.err = errLarge
	}
	return string(w.b), w.err
}

// reader unpacks what a writer packed. After something malformed it returns zeros.
type reader struct {
	s   string
	bad bool
}

func (r *reader) take(n int) string {
	if r.bad || n < 0 || n > len(r.s) {
		r.bad = true
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) flag() bool {
	b := r.byte()
	r.bad = r.bad || b > 1
	return b == 1
}

func (r *reader) int() int64 {
	if s := r.take(8); s != "" {
		return int64(binary.BigEndian.Uint64([]byte(s)))
	}
	return 0
}

func (r *reader) time() time.Time {
	n := r.int()
	if n != none && (n < -farthest || n > farthest) {
		r.bad = true
	}
	return timeOf(n)
}

func (r *reader) text() string {
	s := r.take(4)
	if s == "" {
		return ""
	}
	return r.take(int(binary.BigEndian.Uint32([]byte(s))))
}

// done returns an error unless everything was read and well-formed.
func (r *reader) done() error {
	if r.bad || r.s != "" {
		return errMalformed
	}
	return nil
}
