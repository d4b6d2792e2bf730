package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/authmodule/authmodule/internal/peer"
)

// process is the server's first process; each connection has another one, of a
// process group of its own.
type process struct {
	pid  int
	done chan struct{}
}

func unsupported() string { return "" }

// startProcess starts a program that dies with this one.
func startProcess(program string, args []string, dir, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, out, out, asOwner()
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The signal comes when the thread ends that started the program, so the thread waits as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		defer out.Close()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// ended reports whether the process is gone, and its number perhaps another's.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// all stops the first process, so that it starts no more, and returns all of them, that one first.
func (p *process) all() []int {
	if p.ended() {
		return nil
	}
	_ = peer.Pause(p.pid)
	return append([]int{p.pid}, children(p.pid)...)
}

func (p *process) kill() {
	all := p.all()
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.done
	// As long as one of them lives it holds the memory that they shared, and no server can start.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for slices.ContainsFunc(all, alive) {
		<-tick.C
	}
}

// alive reports whether the process runs: it does not when it is gone, or waits for somebody to notice its end.
func alive(pid int) bool {
	state := peer.State(pid)
	return state != "" && state != "Z" && state != "X"
}

func (p *process) pause() {
	for _, pid := range p.all() {
		_ = peer.Pause(pid)
	}
}

func (p *process) resume() {
	for _, pid := range p.all() {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
}

// stop asks the server to end, and kills it if it does not.
func (p *process) stop() {
	if p.ended() {
		return
	}
	p.resume()
	_ = syscall.Kill(p.pid, syscall.SIGINT)
	select {
	case <-p.done:
	case <-time.After(startTime):
		p.kill()
	}
}

// children are the processes that the one has started.
func children(parent int) []int {
	var list []int
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		if f := peer.Stat(file); len(f) > 1 && f[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			list = append(list, pid)
		}
	}
	return list
}

// asOwner has a command run as the user postgres when this process is root's, whom PostgreSQL refuses.
func asOwner() *syscall.SysProcAttr {
	uid, gid, err := owner()
	if err != nil || os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
}

// giveAway has the folder belong to who runs the server.
func giveAway(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := owner()
	if err != nil {
		return err
	}
	return os.Chown(dir, int(uid), int(gid))
}

func owner() (uid, gid uint32, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscan(u.Uid, &uid); err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(u.Gid, &gid)
	return uid, gid, err
}
