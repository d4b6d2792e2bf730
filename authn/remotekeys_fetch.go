package authn

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// fetch gets the key set and puts its keys in the place of those before. After an error these stay.
func (k *RemoteKeys) fetch(ctx context.Context) error {
	at := k.cfg.Now()
	document, header, err := k.get(ctx)
	if err != nil {
		return err
	}
	keys, skipped, err := ParseJWKSet(document, k.cfg.Algorithms...)
	if err != nil {
		return err
	}
	for _, reason := range skipped {
		k.cfg.Log.Debug("a key of another issuer is not used", "url", k.cfg.URL, "reason", reason)
	}
	if len(keys) == 0 {
		k.cfg.Log.Warn("another issuer publishes no key that verifies; its tokens are refused", "url", k.cfg.URL, "skipped", len(skipped))
	}
	set, err := verifyingSet(keys, k.cfg.Algorithms)
	if err != nil {
		return err
	}
	k.ring.current.Store(set)
	k.state.Store(&fetchedKeys{at: at, freshUntil: at.Add(freshFor(header))})
	return nil
}

// verifyingSet may be empty. It accepts the algorithms also where no key has
// them yet: the next key may.
func verifyingSet(keys []*Key, algorithms []string) (*keySet, error) {
	set := &keySet{byID: map[string]*Key{}, algorithms: map[string]bool{}, written: map[string]*Key{}}
	for _, key := range keys {
		if err := set.add(key); err != nil {
			return nil, err
		}
	}
	for _, name := range algorithms {
		set.algorithms[name] = true
	}
	return set, nil
}

func (k *RemoteKeys) get(ctx context.Context) ([]byte, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.cfg.URL, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := k.cfg.Client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%w: the answer has the status %d", ErrJWKSet, response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, LargestJWKSet+1))
	if err != nil {
		return nil, nil, err
	}
	return document, response.Header, nil // one that is too long, ParseJWKSet refuses
}

// freshFor reads max-age (RFC 9111, section 5.2.2.1), and takes a usual time where there is none.
func freshFor(header http.Header) time.Duration {
	const digits = 9
	for directive := range strings.SplitSeq(header.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") || len(value) > digits {
			continue
		}
		if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
			return min(max(time.Duration(seconds)*time.Second, shortestFresh), longestFresh)
		}
	}
	return usualFresh
}
