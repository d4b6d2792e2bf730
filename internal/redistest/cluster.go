package redistest

import (
	"errors"
	"strconv"
	"strings"

	"github.com/authmodule/authmodule/internal/peer"
)

// Cluster is three servers that share the slots.
type Cluster struct{ Nodes []*Server }

// StartCluster starts a cluster, which ends with the test.
func StartCluster(t TB) *Cluster {
	t.Helper()
	program := peer.Require(t, "redis-server")
	c, err := startCluster(program)
	if err != nil {
		t.Fatalf("redistest: %v", err)
		return nil
	}
	t.Cleanup(c.Stop)
	return c
}

func startCluster(program string) (*Cluster, error) {
	const nodes = 3
	c := &Cluster{}
	for range nodes {
		bus, err := freePort()
		if err == nil {
			err = c.add(program, bus)
		}
		if err != nil {
			c.Stop()
			return nil, err
		}
	}
	args := append([]string{"--cluster", "create"}, c.Addrs()...)
	if out, err := c.Nodes[0].CLI(append(args, "--cluster-replicas", "0", "--cluster-yes")...); err != nil {
		c.Stop()
		return nil, errors.New(out)
	}
	for _, s := range c.Nodes {
		if err := poll(s.clusterReady); err != nil {
			c.Stop()
			return nil, err
		}
	}
	return c, nil
}

func (c *Cluster) add(program string, bus int) error {
	s, err := start(program, Options{Args: []string{
		"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000", "--cluster-port", strconv.Itoa(bus),
	}})
	if err == nil {
		c.Nodes = append(c.Nodes, s)
	}
	return err
}

func (s *Server) clusterReady() error {
	info, err := s.CLI("cluster", "info")
	if err == nil && !strings.Contains(info, "cluster_state:ok") {
		err = errors.New(info)
	}
	return err
}

// Addrs are the addresses of all nodes.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, s := range c.Nodes {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

// Stop stops all nodes.
func (c *Cluster) Stop() {
	for _, s := range c.Nodes {
		s.Stop()
	}
}
