package audit

import (
	"crypto/rand"
	"encoding/hex"
	"io"
)

// idBytes makes an ID of 128 bits.
const idBytes = 16

// newID returns a random ID. A source that fails is replaced by crypto/rand, which never does: no event is lost for it.
func newID(random io.Reader) string {
	raw := make([]byte, idBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		_, _ = rand.Read(raw)
	}
	return hex.EncodeToString(raw)
}
