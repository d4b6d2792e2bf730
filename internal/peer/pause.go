package peer

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Pause stops a process as SIGSTOP does, and returns once it does nothing more, or is gone. The signal alone is
// not enough: on a busy machine a process goes on for some milliseconds after it was sent. Where there is no
// /proc, as on macOS, that is all that is done.
func Pause(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 20_000 {
		if !runs(State(pid)) {
			return nil
		}
		<-tick.C
	}
	return errRuns
}

var errRuns = errors.New("peer: the process still runs, 20 s after SIGSTOP")

func runs(state string) bool { return state != "" && strings.Contains("RSDI", state) }

// State is the letter that proc(5) has for what a process does, as "S" for one that sleeps; empty when there
// is none of the number.
func State(pid int) string {
	if f := Stat("/proc/" + strconv.Itoa(pid) + "/stat"); len(f) > 0 {
		return f[0]
	}
	return ""
}

// Stat are the fields of such a file that come after the name, the state first; none when the process is gone.
func Stat(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	// "pid (name) state parent …"; a name may have anything in it.
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}
