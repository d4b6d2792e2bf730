package authmodule_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
)

// flooded is testdata/floodserver, running.
type flooded struct {
	t      *testing.T
	cmd    *exec.Cmd
	base   string
	client *http.Client
}

func startFlooded(t *testing.T, env ...string) *flooded {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "floodserver")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./testdata/floodserver").CombinedOutput()
	require.NoError(t, err, "%s", out)
	f := &flooded{t: t, cmd: exec.CommandContext(t.Context(), binary), client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 4096}}}
	f.cmd.Dir, f.cmd.Stderr = t.TempDir(), os.Stderr
	f.cmd.Env = append(os.Environ(), append([]string{
		"LEX_AUTH__STORE__DRIVER=sqlite", "LEX_AUTH__STORE__DSN=" + filepath.Join(t.TempDir(), "flood.db"),
		"LEX_AUTH__JWT__SECRET_KEY=a secret of the flood that is long enough", "LEX_AUTH__HTTP__TRUSTED_PROXIES=127.0.0.1/32",
	}, env...)...)
	stdout, err := f.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, f.cmd.Start())
	t.Cleanup(func() {
		_ = f.cmd.Process.Kill()
		_ = f.cmd.Wait()
		f.client.CloseIdleConnections()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	f.base = strings.TrimSpace(line)
	return f
}

// ask sends a request from a client network of its own, and returns the status, the answer and Retry-After.
func (f *flooded) ask(from int, method, path, body string, headers ...string) (status int, answer, retry string) {
	r, err := http.NewRequestWithContext(f.t.Context(), method, f.base+path, strings.NewReader(body))
	if !assert.NoError(f.t, err) {
		return 0, "", ""
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", from>>8&0xff, from&0xff))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := f.client.Do(r)
	if !assert.NoError(f.t, err) {
		return 0, "", ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	assert.NoError(f.t, err)
	return response.StatusCode, string(text), response.Header.Get("Retry-After")
}

func credentialsOf(email, password string) string {
	return fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
}

// answered is how long the answers of a path and status took, in milliseconds: since their requests were read, and since their handlers began.
type answered struct {
	Count        int
	Read, Served struct{ P50, P99, Max float64 }
}

// figures returns what the server measured since the last call.
func (f *flooded) figures() map[string]answered {
	f.t.Helper()
	status, text, _ := f.ask(0, "GET", "/figures", "")
	require.Equal(f.t, http.StatusOK, status)
	var all map[string]answered
	require.NoError(f.t, json.Unmarshal([]byte(text), &all))
	return all
}

// memory is the most that the process had resident, in MiB.
func (f *flooded) memory() int {
	f.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.cmd.Process.Pid))
	require.NoError(f.t, err)
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(f.t, found)
	kib, err := strconv.Atoi(string(found[1]))
	require.NoError(f.t, err)
	return kib / 1024
}

// meanwhile uses a token all the time, and logs somebody in who comes again when told to, until over is closed.
func (f *flooded) meanwhile(token, email string, over chan struct{}) (logins *atomic.Int64, wait func()) {
	var all sync.WaitGroup
	logins = &atomic.Int64{}
	repeat := func(do func()) {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					do()
				}
			}
		})
	}
	for range 4 {
		repeat(func() {
			status, text, _ := f.ask(60_000, "GET", "/auth/me", "", "Authorization", "Bearer "+token)
			assert.Equal(f.t, http.StatusOK, status, text)
		})
	}
	repeat(func() {
		status, text, retry := f.ask(60_001, "POST", "/auth/login", credentialsOf(email, password))
		if status == http.StatusOK {
			logins.Add(1)
			return
		}
		assert.Contains(f.t, text, `"overloaded"`)
		assert.Equal(f.t, "1", retry)
		select {
		case <-over:
		case <-time.After(100 * time.Millisecond):
		}
	})
	return logins, all.Wait
}

// THR-03, and P13 of the goals: 2,000 logins at once, five times, half of them with the right password, at the real cost. The
// server stays within 512 MiB, answers the surplus with 503 within 50 ms and requests with a token within 25 ms, and goes on to let people in.
// The times are the server's own: this process has the same cores, and its 2,000 callers wait for each other. With Go's
// defaults the surplus is held to its time from when it reaches the module: the memory of each hash becomes garbage, and while that is collected
// two thousand connections wait for the runtime. Where garbage is collected less often, it is held to its time from the first byte of the request.
func TestSoakFloodOfLogins(t *testing.T) {
	peer.Soak(t)
	t.Run("defaults", func(t *testing.T) {
		took := floodOfLogins(t)
		assert.LessOrEqual(t, took["POST /auth/login 503"].Served.P99, 50.0)
	})
	t.Run("GOGC=400", func(t *testing.T) {
		took := floodOfLogins(t, "GOGC=400", "GOMEMLIMIT=420MiB")
		assert.LessOrEqual(t, took["POST /auth/login 503"].Read.P99, 50.0)
	})
}

func floodOfLogins(t *testing.T, env ...string) map[string]answered {
	t.Helper()
	const rounds = 5
	f := startFlooded(t, env...)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the callers leave the server what cores there are
	token := f.accounts()
	before := f.memory()
	f.figures()
	over := make(chan struct{})
	logins, wait := f.meanwhile(token, "user0@example.com", over)
	outcomes := map[int]int{}
	for round := range rounds {
		let := 0
		for _, status := range race(2000, func(i int) int { return f.floodLogin(round, i) }) {
			if outcomes[status]++; status == http.StatusOK {
				let++
			}
		}
		assert.Positive(t, let, "round %d lets nobody in", round)
	}
	close(over)
	wait()
	took := f.figures()
	t.Logf("%d times 2000 logins: %v; %d logins of one who comes again; at most %d MiB, %d before", rounds, outcomes, logins.Load(), f.memory(), before)
	for _, key := range []string{"POST /auth/login 200", "POST /auth/login 401", "POST /auth/login 503", "GET /auth/me 200"} {
		t.Logf("%s: %+v ms", key, took[key])
	}
	assert.LessOrEqual(t, f.memory(), 512)
	assert.Positive(t, logins.Load())
	assert.Positive(t, took["POST /auth/login 503"].Count)
	assert.LessOrEqual(t, took["GET /auth/me 200"].Read.P99, 25.0)
	return took
}

const floodAccounts = 50

// accounts registers those that log in, and returns a token of the first.
func (f *flooded) accounts() string {
	f.t.Helper()
	for i := range floodAccounts {
		status, text, _ := f.ask(0, "POST", "/auth/register", credentialsOf(fmt.Sprintf("user%d@example.com", i), password))
		require.Equal(f.t, http.StatusCreated, status, text)
	}
	status, text, _ := f.ask(0, "POST", "/auth/login", credentialsOf("user0@example.com", password))
	require.Equal(f.t, http.StatusOK, status, text)
	var in map[string]any
	require.NoError(f.t, json.Unmarshal([]byte(text), &in))
	return in["access_token"].(string)
}

// floodLogin is one of the logins at once: with even numbers right ones, else guesses at what does not exist. It returns the status.
func (f *flooded) floodLogin(round, i int) int {
	email, given := fmt.Sprintf("user%d@example.com", 1+(i/2)%(floodAccounts-1)), password
	if i%2 == 1 {
		email, given = fmt.Sprintf("nobody%d-%d@example.com", round, i), "not the password, but long"
	}
	status, text, retry := f.ask(i, "POST", "/auth/login", credentialsOf(email, given))
	if status == http.StatusServiceUnavailable {
		assert.Contains(f.t, text, `"overloaded"`)
		assert.Equal(f.t, "1", retry)
	} else {
		assert.Equal(f.t, []int{http.StatusOK, http.StatusUnauthorized}[i%2], status, text)
	}
	return status
}
