package authn

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// longestBreachLine is a SHA-1 in hexadecimal, a colon, a count and a line end, with room to spare.
const longestBreachLine = 64

var errBreachFile = errors.New("authn: the file of breached passwords is not usable")

// BreachFile is a [BreachSource] in a file: SHA-1 hashes in hexadecimal, in ascending
// order, one a line, each with a colon and a count behind it or not, as the Pwned Passwords downloader
// writes them into one file. It is searched where it lies and takes no memory; some 30 reads answer for a
// billion lines. It is safe for concurrent use. The file must not be changed while it is open: replace it by renaming another one, and restart.
type BreachFile struct {
	file io.ReaderAt
	size int64
	done func() error
}

// OpenBreachFile opens a file and looks at its first and its last line.
func OpenBreachFile(path string) (*BreachFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBreachFile, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errBreachFile, err), file.Close())
	}
	f := &BreachFile{file: file, size: info.Size(), done: file.Close}
	if err := f.check(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// Close closes the file.
func (f *BreachFile) Close() error { return f.done() }

func (f *BreachFile) check() error {
	first, _, err := f.line(0)
	if err != nil {
		return err
	}
	last, _, err := f.line(max(0, f.size-1))
	if err != nil {
		return err
	}
	if first.hash > last.hash {
		return fmt.Errorf("%w: it is not in ascending order", errBreachFile)
	}
	return nil
}

// Breaches implements [BreachSource]. A line without a count counts once.
func (f *BreachFile) Breaches(ctx context.Context, hash SHA1) (int, error) {
	want := strings.ToUpper(hex.EncodeToString(hash[:]))
	low, high := int64(0), f.size // the line, if there is one, begins at low or later, and before high
	least, most := "", "G"        // and its hash is between these
	for low < high {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		middle := low + (high-low)/2
		entry, next, err := f.line(middle)
		if err != nil {
			return 0, err
		}
		switch {
		case entry.hash < least || entry.hash > most:
			return 0, fmt.Errorf("%w: it is not in ascending order", errBreachFile)
		case entry.hash == want:
			return entry.count, nil
		case entry.hash < want:
			low, least = next, entry.hash
		default:
			high, most = entry.start, entry.hash
		}
	}
	return 0, nil
}

type breachEntry struct {
	hash  string
	count int
	start int64
}

// line reads the line in which the byte at stands, and returns where the next one begins.
func (f *BreachFile) line(at int64) (breachEntry, int64, error) {
	from := max(0, at-longestBreachLine)
	part := make([]byte, 2*longestBreachLine+1)
	n, err := f.file.ReadAt(part, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return breachEntry{}, 0, fmt.Errorf("%w: %w", errBreachFile, err)
	}
	text, here := string(part[:n]), int(at-from)
	if here >= len(text) {
		return breachEntry{}, 0, fmt.Errorf("%w: it is empty, or became shorter", errBreachFile)
	}
	begin := strings.LastIndexByte(text[:here], '\n') + 1
	length := strings.IndexByte(text[here:], '\n')
	end := here + length
	if length < 0 {
		end = len(text)
	}
	entry, err := readBreachEntry(text[begin:end])
	entry.start = from + int64(begin)
	return entry, from + int64(end) + 1, err
}

func readBreachEntry(line string) (breachEntry, error) {
	hash, number, counted := strings.Cut(strings.TrimRight(line, "\r"), ":")
	if !counted {
		number = "1"
	}
	count, err := strconv.ParseUint(number, 10, 31)
	if err != nil || len(hash) != 2*len(SHA1{}) || strings.Trim(hash, "0123456789abcdefABCDEF") != "" {
		return breachEntry{}, fmt.Errorf("%w: a line is no SHA-1 in hexadecimal, with a colon and a count or not", errBreachFile)
	}
	return breachEntry{hash: strings.ToUpper(hash), count: int(count)}, nil
}
