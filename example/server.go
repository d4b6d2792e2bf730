package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/fx"
)

const (
	readHeaderWithin = 5 * time.Second
	readWithin       = 15 * time.Second
	writeWithin      = 30 * time.Second
	idleWithin       = 60 * time.Second
	// drainWithin is how long running requests may take when the program stops; then their connections are closed.
	drainWithin    = 4 * time.Second
	largestHeaders = 64 << 10
)

// serve listens when the application starts, after all other hooks, and drains
// when it stops, before them. A port in use fails the start.
func serve(lc fx.Lifecycle, down fx.Shutdowner, s settings, e *echo.Echo, live *changes, log *slog.Logger) {
	server := &http.Server{
		Handler:           e,
		ReadHeaderTimeout: readHeaderWithin, ReadTimeout: readWithin, WriteTimeout: writeWithin, IdleTimeout: idleWithin,
		MaxHeaderBytes: largestHeaders,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
			if err != nil {
				return fmt.Errorf("listen on %s (-addr names another address): %w", s.addr, err)
			}
			go accept(server, listener, down, log)
			_, err = fmt.Fprintln(s.out, address(listener.Addr()))
			return err
		},
		OnStop: func(ctx context.Context) error {
			close(live.ended) // a stream would hold up the stop
			return drain(ctx, server, log)
		},
	})
}

// accept serves until the server is shut down. Any other end stops the program with a failure.
func accept(server *http.Server, listener net.Listener, down fx.Shutdowner, log *slog.Logger) {
	err := server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		return
	}
	log.Error("the server stopped", "error", err)
	if err := down.Shutdown(fx.ExitCode(exitFailed)); err != nil {
		log.Error("the program could not be told to stop", "error", err)
	}
}

func drain(ctx context.Context, server *http.Server, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("requests were still running; their connections are closed")
		return server.Close()
	}
	return err
}

// address is what to type into a browser on this machine. It says localhost
// where that leads here, because cookies over plain HTTP work there only.
func address(a net.Addr) string {
	listening, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return "http://" + a.String()
	}
	if ip := listening.Addr(); ip.IsLoopback() || ip.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", listening.Port())
	}
	return "http://" + listening.String()
}
