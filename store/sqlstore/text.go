package sqlstore

import (
	"database/sql"
	"encoding/hex"
	"reflect"
	"strings"
	"unicode/utf8"
)

// escape begins the escaped rest of a text. It is the lowest character that
// PostgreSQL stores, so that a text with a zero byte keeps its place in the order.
const escape = "\x01"

// escapeText writes any text as one that PostgreSQL stores: valid UTF-8 without
// zero bytes. A text that is such already, and has no U+0001, stays as it is. Of
// any other, what follows its longest such beginning is written in hexadecimal digits.
func escapeText(s string) string {
	n := plainLength(s)
	if n == len(s) {
		return s
	}
	return s[:n] + escape + hex.EncodeToString([]byte(s[n:]))
}

// plainLength is how many bytes of s come before the first that must be escaped.
func plainLength(s string) int {
	for i, r := range s {
		if r > 1 && r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[i:]); r <= 1 || size == 1 {
			return i
		}
	}
	return len(s)
}

// unescapeText is the text that escapeText has written.
func unescapeText(s string) string {
	before, digits, found := strings.Cut(s, escape)
	if !found {
		return s
	}
	rest, err := hex.DecodeString(digits)
	if err != nil { // from before texts were escaped
		return s
	}
	return before + string(rest)
}

func escapeTexts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = escapeText(s)
	}
	return out
}

// encode makes arguments of what the store's methods were given.
func (d Dialect) encode(args []any) []any {
	if d != Postgres {
		return args
	}
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			arg = escapeText(v)
		case []string:
			arg = escapeTexts(v)
		case int, int64, []int64, []byte, nil:
		default: // a named string, such as a tenant
			if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
				arg = escapeText(v.String())
			}
		}
		out[i] = arg
	}
	return out
}

// decoded is a row whose texts come back as encode took them.
type decoded struct{ scanner }

func (r decoded) Scan(dest ...any) error {
	if err := r.scanner.Scan(dest...); err != nil {
		return err
	}
	for _, d := range dest {
		switch d := d.(type) {
		case *string:
			*d = unescapeText(*d)
			continue
		case *sql.NullString:
			d.String = unescapeText(d.String)
			continue
		}
		if v := reflect.ValueOf(d); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.String {
			if s := v.Elem().String(); strings.Contains(s, escape) {
				v.Elem().SetString(unescapeText(s))
			}
		}
	}
	return nil
}

// decode wraps a row in the dialect's way.
func (d Dialect) decode(row scanner) scanner {
	if d != Postgres {
		return row
	}
	return decoded{row}
}
