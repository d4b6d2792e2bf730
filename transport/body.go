package transport

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/strictjson"
	"github.com/authmodule/authmodule/setting"
)

// body is a JSON request. Members that nobody asks for are ignored; the ones
// asked for collect their faults.
type body struct {
	object strictjson.Object
	faults []error
}

func readBody(r *http.Request, limit int) (*body, error) {
	if r.ContentLength > int64(limit) {
		return nil, tooLarge()
	}
	if r.Body == nil {
		return &body{object: strictjson.Object{}}, nil
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return nil, problem(http.StatusBadRequest, "invalid_request", "the request body could not be read")
	}
	if len(data) > limit {
		return nil, tooLarge()
	}
	if len(data) == 0 {
		return &body{object: strictjson.Object{}}, nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, problem(http.StatusUnsupportedMediaType, "unsupported_media_type", "send the body as JSON, with the header Content-Type: application/json")
	}
	object, err := strictjson.Parse(data, strictjson.Limits{Bytes: limit, Depth: 16, Members: 256})
	if err != nil {
		return nil, problem(http.StatusBadRequest, "invalid_json", "the body must be one JSON object, without duplicate members and in UTF-8")
	}
	return &body{object: object}, nil
}

func tooLarge() *Problem {
	return problem(http.StatusRequestEntityTooLarge, "body_too_large", "the request body is too large")
}

// text returns a required member that is a string.
func (b *body) text(name string) string {
	text, err := b.object.String(name)
	b.fault(name, err)
	return text
}

// secret returns a required member that is a string, as a secret.
func (b *body) secret(name string) setting.Secret { return setting.Secret(b.text(name)) }

// texts returns a member that is a list of strings, nothing when it is absent.
func (b *body) texts(name string) []string {
	list, err := b.object.Strings(name)
	if err != nil && !errors.Is(err, strictjson.ErrMissing) {
		b.wrongType(name, "a list of strings")
	}
	return list
}

// whole returns a member that is a whole number, and whether it is there.
func (b *body) whole(name string) (int64, bool) {
	n, err := b.object.Integer(name)
	if err != nil && !errors.Is(err, strictjson.ErrMissing) {
		b.wrongType(name, "a whole number")
	}
	return n, err == nil
}

// choice returns a member that is one of the words, or the first word when it is absent.
func (b *body) choice(name string, words ...string) string {
	if !b.object.Has(name) {
		return words[0]
	}
	text, err := b.object.String(name)
	b.fault(name, err)
	for _, word := range words {
		if text == word {
			return word
		}
	}
	if err == nil {
		b.faults = append(b.faults, &authn.FieldError{Field: name, Code: "unknown_value", Problem: "must be one of: " + strings.Join(words, ", ")})
	}
	return ""
}

// flag returns a member that is true or false, false when it is absent.
func (b *body) flag(name string) bool {
	v, err := b.object.Bool(name)
	if err != nil && !errors.Is(err, strictjson.ErrMissing) {
		b.wrongType(name, "true or false")
	}
	return v
}

// optional returns a member that is a string, empty when it is absent.
func (b *body) optional(name string) string {
	if !b.object.Has(name) {
		return ""
	}
	return b.text(name)
}

// binding returns the member bind: one word, or a list of them.
func (b *body) binding() (asked authn.Binding) {
	const name = "bind"
	words, err := b.object.Strings(name)
	if errors.Is(err, strictjson.ErrType) {
		var word string
		word, err = b.object.String(name)
		words = []string{word}
	}
	switch {
	case errors.Is(err, strictjson.ErrMissing):
		return authn.Binding{}
	case err != nil:
		b.wrongType(name, "a string or a list of strings")
		return authn.Binding{}
	}
	for _, word := range words {
		switch word {
		case authn.BoundCertificate:
			asked.Certificate = true
		case authn.BoundIP:
			asked.IP = true
		default:
			b.faults = append(b.faults, &authn.FieldError{
				Field: name, Code: "unknown_value", Problem: "may name: " + authn.BoundCertificate + ", " + authn.BoundIP,
			})
			return authn.Binding{}
		}
	}
	return asked
}

func (b *body) fault(name string, err error) {
	switch {
	case errors.Is(err, strictjson.ErrMissing):
		b.faults = append(b.faults, &authn.FieldError{Field: name, Code: "required", Problem: "is required"})
	case err != nil:
		b.wrongType(name, "a string")
	}
}

func (b *body) wrongType(name, wanted string) {
	b.faults = append(b.faults, &authn.FieldError{Field: name, Code: "wrong_type", Problem: "must be " + wanted})
}

func (b *body) err() error { return errors.Join(b.faults...) }
