package sqlstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// micros is a time as it is stored: microseconds since 1970, 0 for the zero
// time. The first instant of 1970 itself cannot be stored.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// instant scans what micros stored.
type instant struct{ t *time.Time }

func (i instant) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T, not as an integer", src)
	}
	*i.t = fromMicros(n)
	return nil
}

// flag stores a truth value as 0 or 1.
func flag(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// boolean scans what flag stored.
type boolean struct{ v *bool }

func (b boolean) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a truth value is stored as %T, not as an integer", src)
	}
	*b.v = n != 0
	return nil
}

// words stores a list of strings as JSON text. JSON cannot hold bytes that are
// not UTF-8, so the strings are escaped in every dialect.
func words(list []string) (string, error) {
	if len(list) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(escapeTexts(list))
	return string(b), err
}

// wordList scans what words stored.
type wordList struct{ list *[]string }

func (w wordList) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("a list is stored as %T, not as text", src)
	}
	if s == "[]" {
		*w.list = nil
		return nil
	}
	var list []string
	if err := json.Unmarshal([]byte(s), &list); err != nil {
		return err
	}
	for i := range list {
		list[i] = unescapeText(list[i])
	}
	*w.list = list
	return nil
}

// confirmation scans what [authn.Confirmation.Text] wrote. What it cannot read
// is an error, so that no session loses its binding.
type confirmation struct{ c *authn.Confirmation }

func (v confirmation) Scan(src any) (err error) {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("a confirmation is stored as %T, not as text", src)
	}
	*v.c, err = authn.ParseConfirmation(s)
	return err
}

// blob stores bytes; none are stored as an empty blob, not as NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func scanString(row scanner) (v string, err error) {
	err = row.Scan(&v)
	return v, err
}

func scanInt(row scanner) (n int64, err error) {
	err = row.Scan(&n)
	return n, err
}
