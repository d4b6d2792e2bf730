package smtp

import (
	"io"
	"net"
)

// mostRead is how many bytes of a server are read in one delivery: its certificates, and a dozen short answers.
const mostRead = 1 << 20

// bounded is a connection of which no more is read than that: what reads an answer looks for its end however long that takes.
type bounded struct {
	net.Conn
	left int
}

// Read implements [net.Conn].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
