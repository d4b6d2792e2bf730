//go:build !linux

package pgtest

import (
	"errors"
	"syscall"
)

type process struct {
	pid  int
	done chan struct{}
}

func unsupported() string { return "PostgreSQL is started for tests on Linux only" }

func startProcess(_ string, _ []string, _, _ string) (*process, error) {
	return nil, errors.ErrUnsupported
}

func (p *process) kill()   {}
func (p *process) pause()  {}
func (p *process) resume() {}
func (p *process) stop()   {}

func asOwner() *syscall.SysProcAttr { return nil }

func giveAway(string) error { return nil }
