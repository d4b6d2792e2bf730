package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/bench/internal/pair"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

const (
	atOnce   = 64
	waves    = 2
	password = "a password for benchmarks only"
	// bareArgon is a mode of [Login]; every other is a number of workers.
	bareArgon = "bare"
)

func peak() pair.Metric { return pair.Metric{Name: "peak RSS", Unit: "MiB"} }
func rate() pair.Metric { return pair.Metric{Name: "logins/s, wall"} }

// loginCase is goal P13.
func loginCase(child []string) pair.Case {
	return pair.Case{
		Name: "64 logins at once",
		What: "64 clients log in at once, each twice: argon2id with 19 MiB and 2 passes, through the whole login with its bounded pool, and by the library alone without a bound. Each round of each side is a process of its own.",
		Open: func() (*pair.Bench, error) {
			const unlimited = "argon2id, no limit"
			const asCores = ours + ", workers = cores"
			sides := map[string]string{unlimited: bareArgon, asCores: strconv.Itoa(runtime.GOMAXPROCS(0))}
			bench := &pair.Bench{Claims: []pair.Claim{
				{Goal: "P13", Text: "peak memory without a limit ÷ workers = cores", Figure: pair.Ratio(peak(), unlimited, asCores), Bound: pair.AtLeast(15)},
				{Goal: "P13", Text: "logins/s with workers = cores ÷ without a limit", Figure: pair.Ratio(rate(), asCores, unlimited), Bound: pair.AtLeast(2)},
			}}
			for _, name := range []string{unlimited, asCores} {
				bench.Sides = append(bench.Sides, pair.Side{
					Name: name, Sample: func() (pair.Values, error) { return runLogins(child, sides[name]) },
				})
			}
			return bench, nil
		},
	}
}

type loginReport struct{ PeakMiB, Rate float64 }

func runLogins(child []string, mode string) (pair.Values, error) {
	cmd := exec.CommandContext(context.Background(), child[0], append(child[1:len(child):len(child)], mode)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var report loginReport
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, err
	}
	return pair.Values{peak(): report.PeakMiB, rate(): report.Rate}, nil
}

// Login has 64 clients log in at once, each twice, in this process and writes its peak memory and
// how many logins there were in a second, as JSON. mode is "bare", or the number of
// workers with 0 for the default. Linux tells the peak; other systems do not.
func Login(mode string, w io.Writer) error {
	hash, err := argon2id.CreateHash(password, &argon2id.Params{
		Memory: authn.DefaultMemoryKiB, Iterations: authn.DefaultIterations, Parallelism: authn.DefaultParallelism, SaltLength: 16, KeyLength: 32,
	})
	if err != nil {
		return err
	}
	login, err := loginBy(mode, hash)
	if err != nil {
		return err
	}
	errs := make([]error, atOnce)
	var all sync.WaitGroup
	start := time.Now()
	for i := range atOnce {
		all.Go(func() {
			for range waves {
				errs[i] = errors.Join(errs[i], login(i))
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	mib, err := peakMemory()
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(loginReport{PeakMiB: mib, Rate: atOnce * waves / took.Seconds()})
}

// loginBy returns what logs account i in, after a wrong password was refused.
func loginBy(mode, hash string) (func(i int) error, error) {
	if mode == bareArgon {
		return func(int) error { return mustBe(true)(argon2id.ComparePasswordAndHash(password, hash)) },
			mustBe(false)(argon2id.ComparePasswordAndHash("a wrong password", hash))
	}
	workers, err := strconv.Atoi(mode)
	if err != nil {
		return nil, err
	}
	users, err := loginApp(setting.Count(workers), hash)
	if err != nil {
		return nil, err
	}
	login := func(i int, password setting.Secret) error {
		_, err := users.Login(context.Background(), authn.LoginRequest{Email: loginEmail(i), Password: password})
		return err
	}
	if err := login(0, "a wrong password"); !errors.Is(err, authn.ErrInvalidCredentials) {
		return nil, fmt.Errorf("%w: a wrong password: %w", errAccepted, err)
	}
	return func(i int) error { return login(i, password) }, nil
}

func loginEmail(i int) string { return fmt.Sprintf("user%d@example.com", i) }

// loginApp starts an application in which 64 accounts have the same password.
func loginApp(workers setting.Count, hash string) (*authn.Service, error) {
	var users *authn.Service
	store := memstore.New()
	app := fx.New(
		authmodule.Stub(func(c *authmodule.Config) { c.Password = authn.PasswordConfig{Workers: workers} }),
		authmodule.UseUserStore(func() authn.UserStore { return store }),
		authmodule.UsePasswordStore(func() authn.PasswordStore { return store }),
		fx.Provide(echo.New, func() *slog.Logger { return slog.New(slog.DiscardHandler) }),
		fx.Populate(&users), fx.NopLogger,
	)
	ctx := context.Background()
	if err := app.Start(ctx); err != nil {
		return nil, err
	}
	for i := range atOnce {
		subject := authn.Subject{ID: strconv.Itoa(i)}
		err := store.CreateUser(ctx, authn.User{Subject: subject, Email: loginEmail(i), CreatedAt: time.Now(), CredentialVersion: 1, Version: 1})
		if err := errors.Join(err, store.SetPasswordHash(ctx, subject, hash)); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// peakMemory is the most resident memory that this process ever had, in MiB.
func peakMemory() (float64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("bench: peak memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("bench: the system does not tell peak memory")
}
