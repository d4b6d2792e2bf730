// Command floodserver is an application that times its own answers, for the flood of logins in flood_test.go.
//
// It is built and run as a process of its own, without the race detector, so that what it needs is measured and not what the test needs. It
// prints its address, and at GET /figures how long its answers took, from the first byte of the request and from the beginning of the handler:
// the time for which a caller among thousands waits for its own processor is in neither.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/echoauth"
	_ "modernc.org/sqlite"
)

func main() {
	cfg, err := authmodule.Load()
	if err != nil {
		log.Fatal(err)
	}
	fx.New(
		authmodule.Configure(cfg), fx.NopLogger, fx.Supply(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))),
		fx.Provide(echo.New), fx.Invoke(echoauth.Mount, serve),
	).Run()
}

// timedConn knows when the first byte of the request that it carries now was read.
type timedConn struct {
	net.Conn
	began    atomic.Int64
	answered atomic.Bool
}

func (c *timedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.answered.Swap(false) {
		c.began.Store(time.Now().UnixNano())
	}
	return n, err
}

func (c *timedConn) Write(p []byte) (int, error) {
	c.answered.Store(true)
	return c.Conn.Write(p)
}

type timedListener struct{ net.Listener }

func (l timedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &timedConn{Conn: conn}
	c.answered.Store(true)
	return c, nil
}

type connKey struct{}

func attach(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// took is how long an answer took since the first byte of its request, and since its handler began.
type took struct{ read, served time.Duration }

// figures are the times by path and status.
type figures struct {
	mu   sync.Mutex
	took map[string][]took
}

// summary is what is said of one path and status, in milliseconds.
type summary struct {
	Count        int
	Read, Served spread
}

type spread struct{ P50, P99, Max float64 }

func newSpread(list []took, of func(took) time.Duration) spread {
	times := make([]time.Duration, len(list))
	for i, one := range list {
		times[i] = of(one)
	}
	slices.Sort(times)
	ms := func(share float64) float64 {
		return float64(times[int(share*float64(len(times)-1))].Microseconds()) / 1000
	}
	return spread{P50: ms(0.5), P99: ms(0.99), Max: ms(1)}
}

// timed notes how long each answer takes.
func (f *figures) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		out := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(out, r)
		c, _ := r.Context().Value(connKey{}).(*timedConn)
		now := time.Now()
		one := took{now.Sub(time.Unix(0, c.began.Load())), now.Sub(began)}
		f.mu.Lock()
		defer f.mu.Unlock()
		key := fmt.Sprint(r.Method, " ", r.URL.Path, " ", out.status)
		f.took[key] = append(f.took[key], one)
	})
}

// show writes the summaries and begins anew.
func (f *figures) show(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	all := f.took
	f.took = map[string][]took{}
	f.mu.Unlock()
	said := map[string]summary{}
	for key, list := range all {
		said[key] = summary{
			Count: len(list), Read: newSpread(list, func(t took) time.Duration { return t.read }), Served: newSpread(list, func(t took) time.Duration { return t.served }),
		}
	}
	_ = json.NewEncoder(w).Encode(said)
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func serve(lc fx.Lifecycle, e *echo.Echo) {
	f := &figures{took: map[string][]took{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /figures", f.show)
	mux.Handle("/", f.timed(e))
	server := &http.Server{Handler: mux, ConnContext: attach, ReadHeaderTimeout: time.Minute}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
			if err == nil {
				go server.Serve(timedListener{listener})
				fmt.Println("http://" + listener.Addr().String())
			}
			return err
		},
		OnStop: server.Shutdown,
	})
}
