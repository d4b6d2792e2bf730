package httpauth

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/authmodule/authmodule/transport"
)

// cookieWriter keeps an answer from caches that sets the session cookie, whatever a handler said after it was set.
type cookieWriter struct {
	http.ResponseWriter
	begun bool
}

var (
	_ http.Flusher  = (*cookieWriter)(nil)
	_ http.Hijacker = (*cookieWriter)(nil)
	_ io.ReaderFrom = (*cookieWriter)(nil)
)

// begin looks at the header before it is sent.
func (w *cookieWriter) begin() {
	if !w.begun {
		w.begun = true
		transport.KeepFromCaches(w.Header())
	}
}

// WriteHeader implements [http.ResponseWriter]. An informational status begins no answer.
func (w *cookieWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *cookieWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// ReadFrom implements [io.ReaderFrom], by which servers send files.
func (w *cookieWriter) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	return io.Copy(w.ResponseWriter, src)
}

// Flush implements [http.Flusher].
func (w *cookieWriter) Flush() { _ = w.FlushError() }

// FlushError is what [http.ResponseController] flushes by.
func (w *cookieWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker].
func (w *cookieWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap returns the server's own, for [http.ResponseController].
func (w *cookieWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
