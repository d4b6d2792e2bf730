package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/bench/internal/pair"
	"github.com/authmodule/authmodule/setting"
)

// apiKeyCase is goal P16.
func apiKeyCase() pair.Case {
	return pair.Case{
		Name: "API key",
		What: "The caller of an API key is told, among 10,000 accounts of which 64 call; the other side hashes the secret once and looks it up in a map.",
		Open: func() (*pair.Bench, error) {
			const floor = "one SHA-256 and a map"
			a, texts, err := newKeyApp(10_000, fewTokens)
			if err != nil {
				return nil, err
			}
			return &pair.Bench{
				Sides: []pair.Side{a.keySide(texts), hashSide(floor, texts)},
				Claims: []pair.Claim{
					{Goal: "P16", Text: ours + " ÷ " + floor, Figure: pair.Ratio(pair.CPU(), ours, floor), Bound: pair.AtMost(3)},
					{Goal: "P16", Text: "allocations of " + ours, Figure: pair.Value(pair.Allocs(), ours), Bound: pair.AtMost(0)},
				},
				Close: a.close,
			}, nil
		},
	}
}

// newKeyApp has n accounts with a key each, and returns the keys of the first few.
func newKeyApp(n, few int) (*app, []string, error) {
	a, err := newApp("HS256", n)
	if err != nil {
		return nil, nil, err
	}
	var texts []string
	for i, id := range a.subjects {
		owner := authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: id}}
		_, text, err := a.keys.Create(context.Background(), owner, authn.APIKeyRequest{Name: "ci"})
		if err != nil {
			return nil, nil, err
		}
		if i < few {
			texts = append(texts, text.Reveal())
		}
	}
	return a, texts, nil
}

func (a *app) keySide(texts []string) pair.Side {
	nobody := func() authn.Client { return authn.Client{} }
	ask := func(text string) error {
		p, err := a.keys.KeyPrincipal(context.Background(), setting.Secret(text), nobody)
		if err == nil && p.KeyID == "" {
			err = errors.New("bench: nobody is told")
		}
		return err
	}
	return pair.Side{Name: ours, Do: each(texts, ask), Check: func() error {
		for _, text := range texts {
			if err := ask(text); err != nil {
				return err
			}
		}
		if ask(texts[0][:len(texts[0])-2]+"aa") == nil {
			return fmt.Errorf("bench: a wrong key is accepted")
		}
		return nil
	}}
}

// hashSide finds keys by their hash, as the least that a store of hashes must do.
func hashSide(name string, texts []string) pair.Side {
	known := map[[sha256.Size]byte]string{}
	secretOf := func(text string) []byte { return []byte(text[strings.LastIndexByte(text, '_')+1:]) }
	for i, text := range texts {
		known[sha256.Sum256(secretOf(text))] = fmt.Sprint(i)
	}
	ask := func(text string) error {
		if known[sha256.Sum256(secretOf(text))] == "" {
			return errors.New("bench: an unknown key")
		}
		return nil
	}
	return pair.Side{Name: name, Do: each(texts, ask), Check: func() error { return ask(texts[0]) }}
}
