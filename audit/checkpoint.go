package audit

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Checkpoint names a place in the chain. One that is kept outside of the database shows that the database was not set
// back to an earlier state. It is no secret, and nobody without the key can make another that holds.
type Checkpoint struct {
	Seq  int64
	Hash []byte
}

// String is the form that [ParseCheckpoint] reads and the journal logs: the number, a colon and the hash in hexadecimal digits.
func (c Checkpoint) String() string {
	return strconv.FormatInt(c.Seq, 10) + ":" + hex.EncodeToString(c.Hash)
}

// ParseCheckpoint reads what [Checkpoint.String] wrote.
func ParseCheckpoint(text string) (Checkpoint, error) {
	number, digits, _ := strings.Cut(text, ":")
	seq, errSeq := strconv.ParseInt(number, 10, 64)
	hash, errHash := hex.DecodeString(digits)
	if errSeq != nil || errHash != nil || seq < 1 || len(hash) == 0 {
		return Checkpoint{}, fmt.Errorf("audit: %.40q is no checkpoint: give a number, a colon and a hash, as the journal logs them", text)
	}
	return Checkpoint{Seq: seq, Hash: hash}, nil
}
