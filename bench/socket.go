package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

// socketCase is goal P8.
func socketCase() pair.Case {
	return pair.Case{
		Name: sized("socket HS256", fewTokens),
		What: "The same request over a loopback connection that is kept alive; CPU time of server and client together.",
		Open: func() (*pair.Bench, error) {
			doors, a, err := requestSides("HS256", fewTokens)
			if err != nil {
				return nil, err
			}
			closers := []func() error{a.close}
			bench := &pair.Bench{
				Claims: []pair.Claim{
					{Goal: "P8", Text: ours + " ÷ " + bareEcho, Figure: pair.Ratio(pair.CPU(), ours, bareEcho), Bound: pair.AtMost(1.1)},
					{Text: cached + " ÷ " + bareEcho, Figure: pair.Ratio(pair.CPU(), cached, bareEcho)},
				},
				Close: func() error {
					var errs []error
					for _, c := range closers {
						errs = append(errs, c())
					}
					return errors.Join(errs...)
				},
			}
			for _, d := range doors[:3] { // casbin without its cache takes milliseconds, with or without a socket
				l, err := listen(d.echo)
				if err != nil {
					return nil, errors.Join(err, bench.Close())
				}
				closers = append(closers, l.close)
				bench.Sides = append(bench.Sides, pair.Side{Name: d.name, Do: each(a.tokens, l.get), Check: func() error { return d.check(a) }})
			}
			return bench, nil
		},
	}
}

// line is a server with one client that is connected to it.
type line struct {
	server *http.Server
	conn   net.Conn
	reader *bufio.Reader
	out    []byte
}

func listen(e *echo.Echo) (*line, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &line{server: &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}}
	go func() { _ = l.server.Serve(listener) }() // ends with close
	l.conn, err = (&net.Dialer{}).DialContext(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.server.Close())
	}
	l.reader = bufio.NewReader(l.conn)
	return l, nil
}

func (l *line) close() error { return errors.Join(l.conn.Close(), l.server.Close()) }

// get sends a request and reads the answer. It writes bytes itself, as the
// client is not what is measured.
func (l *line) get(token string) error {
	l.out = append(l.out[:0], "GET /api/v1/docs/42 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "...)
	l.out = append(append(l.out, token...), "\r\n\r\n"...)
	if _, err := l.conn.Write(l.out); err != nil {
		return err
	}
	answer, err := http.ReadResponse(l.reader, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("bench: status %d: %w", answer.StatusCode, err)
	}
	return nil
}
