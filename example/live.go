package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
)

const (
	// lookAgain is how often a stream's caller is looked at in the stores.
	lookAgain = 2 * time.Second
	// mostWaiting is how many changes a slow reader may be behind; then some are left out.
	mostWaiting = 16
)

// change is what readers of the stream are told of.
type change struct {
	What string `json:"what"`
	ID   string `json:"id"`
	// about is for those who decide whom it is told.
	about authz.Resource
}

func (c change) resource() authz.Resource { return c.about }

// changes tells all streams of a change. It ends them when the program stops.
type changes struct {
	mu      sync.Mutex
	readers map[chan change]bool
	ended   chan struct{}
}

func newChanges() *changes {
	return &changes{readers: map[chan change]bool{}, ended: make(chan struct{})}
}

func (c *changes) tell(what string, one article) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for reader := range c.readers {
		select {
		case reader <- change{What: what, ID: one.ID, about: one.resource()}:
		default: // it is too slow for its own good
		}
	}
}

func (c *changes) read() (reader chan change, done func()) {
	reader = make(chan change, mostWaiting)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readers[reader] = true
	return reader, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.readers, reader)
	}
}

// live streams changes of the articles that the caller may view (server-sent events) for as long as the
// caller is one: a logout, a revocation or the end of the token ends the stream as well.
func (r *articleRoutes) live(c echo.Context) error {
	ctx, stop := echoauth.Watch(c, lookAgain)
	defer stop()
	reader, done := r.changes.read()
	defer done()
	out := c.Response()
	out.Header().Set(echo.HeaderContentType, "text/event-stream")
	if err := http.NewResponseController(out).SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("articles: stream: %w", err)
	}
	send := func(event string, data any) error {
		text, err := json.Marshal(data)
		if err == nil {
			_, err = fmt.Fprintf(out, "event: %s\ndata: %s\n\n", event, text)
		}
		out.Flush()
		return err
	}
	err := send("open", map[string]string{})
	for err == nil {
		select {
		case one := <-reader:
			var may []change
			may, err = authz.Filter(ctx, r.az, echoauth.Principal(c), "articles.view", []change{one}, change.resource)
			if len(may) > 0 {
				err = send("change", one)
			}
		case <-r.changes.ended:
			return nil
		case <-ctx.Done():
			return send("end", map[string]string{"why": fmt.Sprint(context.Cause(ctx))})
		}
	}
	return nil // the reader has left
}
