package bench

import (
	"fmt"

	"github.com/authmodule/authmodule/bench/internal/pair"
	"github.com/authmodule/authmodule/internal/pgtest"
	"github.com/authmodule/authmodule/internal/redistest"
)

// asTest calls what starts a server for a test. A test that would be skipped is [pair.ErrAbsent].
func (r *resources) asTest(start func(*standIn)) (err error) {
	defer func() {
		if what := recover(); what != nil {
			ended, ok := what.(ended)
			if !ok {
				panic(what)
			}
			err = ended.err
		}
	}()
	start(&standIn{r})
	return nil
}

// standIn stands in for a test.
type standIn struct{ r *resources }

// ended is what leaves a test that does not go on.
type ended struct{ err error }

var (
	_ pgtest.TB    = (*standIn)(nil)
	_ redistest.TB = (*standIn)(nil)
)

func (*standIn) Helper() {}

func (*standIn) Logf(string, ...any) {}

func (*standIn) Skipf(format string, args ...any) {
	panic(ended{fmt.Errorf("%w: %s", pair.ErrAbsent, fmt.Sprintf(format, args...))})
}

func (*standIn) Fatalf(format string, args ...any) {
	panic(ended{fmt.Errorf("bench: %s", fmt.Sprintf(format, args...))})
}

func (t *standIn) Cleanup(clean func()) {
	t.r.closers = append(t.r.closers, func() error { clean(); return nil })
}
