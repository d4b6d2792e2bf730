package authn

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	breachPrefix = 5
	// largestRange is some twenty times what the public server sends with padding.
	largestRange = 1 << 20
	mostDigits   = 10
	// mostQuestions is how many questions are asked at a time, so that a flood of new passwords holds that many answers in memory.
	mostQuestions = 32
)

var errBreachRange = errors.New("authn: the answer is no range of breached passwords")

// breachRange asks a server of the Pwned Passwords protocol. The server learns
// five of forty hexadecimal digits, and by the length of its answer nobody else learns them.
type breachRange struct {
	url     string
	timeout time.Duration
	client  *http.Client
	// places has a value for each question under way.
	places chan struct{}
}

func newBreachRange(cfg BreachConfig, client *http.Client) (breachRange, error) {
	if err := cfg.CheckURL(); err != nil {
		return breachRange{}, fmt.Errorf("authn: the URL of breached passwords %w", err)
	}
	at := strings.TrimSuffix(cmp.Or(cfg.URL, DefaultBreachURL), "/") + "/"
	timeout, err := breachTimeout(cfg.TimeoutMilliseconds)
	return breachRange{url: at, timeout: timeout, client: withoutRedirects(client), places: make(chan struct{}, mostQuestions)}, err
}

// CheckURL says what is wrong with the URL; an empty one is the default.
func (c BreachConfig) CheckURL() error {
	if strings.Contains(c.URL, "?") {
		return errors.New("has a query")
	}
	return checkRemoteURL(cmp.Or(c.URL, DefaultBreachURL))
}

// Breaches implements [BreachSource].
func (r breachRange) Breaches(ctx context.Context, hash SHA1) (int, error) {
	digits := strings.ToUpper(hex.EncodeToString(hash[:]))
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
		return 0, fmt.Errorf("authn: wait to ask for breached passwords: %w", ctx.Err())
	}
	document, err := r.get(ctx, digits[:breachPrefix])
	if err != nil {
		return 0, fmt.Errorf("authn: ask for breached passwords: %w", unaddressed(err))
	}
	return readRange(document, digits[breachPrefix:])
}

// unaddressed leaves the address out: it has the beginning of the hash.
func unaddressed(err error) error {
	var addressed *url.Error
	if errors.As(err, &addressed) {
		return addressed.Err
	}
	return err
}

func (r breachRange) get(ctx context.Context, prefix string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+prefix, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Add-Padding", "true")
	request.Header.Set("User-Agent", "authmodule")
	response, err := r.client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%w: its status is %d", errBreachRange, response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, largestRange+1))
	if err == nil && len(document) > largestRange {
		err = fmt.Errorf("%w: it has more than %d bytes", errBreachRange, largestRange)
	}
	return string(document), err
}

// readRange finds the suffix among lines such as
// "0018A45C4D1DEF81644B54AB7F969B88D65:3"; a count of 0 is padding. One line of
// another form, or none at all, makes the whole answer worthless: it may be the page of a proxy.
func readRange(document, suffix string) (int, error) {
	found, lines := 0, 0
	for line := range strings.Lines(document) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		name, count, err := breachLine(line, len(suffix))
		if err != nil {
			return 0, err
		}
		if strings.EqualFold(name, suffix) {
			found = max(found, count)
		}
		lines++
	}
	if lines == 0 {
		return 0, fmt.Errorf("%w: it is empty", errBreachRange)
	}
	return found, nil
}

// breachLine reads so many hexadecimal digits, with a colon and a count behind them.
func breachLine(line string, digits int) (hash string, count int, err error) {
	hash, number, _ := strings.Cut(line, ":")
	if len(hash) != digits || strings.Trim(hash, "0123456789abcdefABCDEF") != "" || len(number) > mostDigits {
		return "", 0, fmt.Errorf("%w: a line has another form", errBreachRange)
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return "", 0, fmt.Errorf("%w: a line has no count", errBreachRange)
	}
	return hash, int(n), nil
}
