package redisstore_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
)

// A server that forgot its scripts, as after a failover, is given them again, in every call and in a pipeline.
func TestScriptsAreForgotten(t *testing.T) {
	t.Parallel()
	server, cluster := redistest.Start(t, redistest.Options{}), redistest.StartCluster(t)
	for name, nodes := range map[string][]*redistest.Server{"single": {server}, "cluster": cluster.Nodes} {
		addrs := []string{}
		for _, n := range nodes {
			addrs = append(addrs, n.Addr())
		}
		s := open(t, redisstore.Options{}, addrs...)
		forget := func() {
			for _, n := range nodes {
				n.MustCLI(t, "script", "flush")
			}
		}
		r := created(t, s, newRecord(t, ada))
		for _, c := range calls(s, r) {
			forget()
			require.NoError(t, c.do(t.Context()), "%s: %s", name, c.name)
		}
		var touches []session.Touch
		for i := range 20 {
			r := created(t, s, newRecord(t, authn.Subject{ID: strconv.Itoa(i)}))
			touches = append(touches, session.Touch{ID: r.ID, Use: session.Use{At: at.Add(time.Second), IdleAt: r.IdleAt}})
		}
		forget()
		require.NoError(t, s.TouchSessions(t.Context(), touches...))
		for _, touch := range touches {
			got, err := s.Session(t.Context(), "", touch.ID)
			require.NoError(t, err)
			require.Equal(t, touch.Use.At, got.LastUsedAt)
		}
	}
}

// Scripts are lost while many callers are at work: nobody fails, and what happens once happens once.
func TestScriptsAreForgottenInMidRun(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	s := open(t, redisstore.Options{}, server.Addr())
	stop := make(chan struct{})
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		for {
			select {
			case <-stop:
				return
			default:
				server.MustCLI(t, "script", "flush")
			}
		}
	}()
	won := make(chan bool, 8*100)
	for i := range 100 {
		r := authn.OneTime{Purpose: "p", ID: strconv.Itoa(i), SecretHash: []byte("h"), Expires: at}
		require.NoError(t, s.PutOneTime(t.Context(), r))
		for range 8 {
			go func() {
				_, err := s.ConsumeOneTime(t.Context(), "", r.Purpose, r.ID, r.SecretHash, at.Add(-time.Second))
				if err != nil {
					assert.ErrorIs(t, err, authn.ErrNotFound)
				}
				won <- err == nil
			}()
		}
	}
	winners := 0
	for range cap(won) {
		if <-won {
			winners++
		}
	}
	close(stop)
	<-flushed
	assert.Equal(t, 100, winners)
}

// Slots that move to another node are followed; a node that is gone fails its slots alone, and is found again.
func TestClusterChanges(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	s := open(t, redisstore.Options{}, cluster.Addrs()...)
	var all []session.Record
	for i := range 60 {
		all = append(all, created(t, s, newRecord(t, authn.Subject{Tenant: "t", ID: strconv.Itoa(i)})))
	}
	from, to := cluster.Nodes[0].MustCLI(t, "cluster", "myid"), cluster.Nodes[1].MustCLI(t, "cluster", "myid")
	out, err := cluster.Nodes[0].CLI("--cluster", "reshard", cluster.Nodes[0].Addr(),
		"--cluster-from", from, "--cluster-to", to, "--cluster-slots", "2000", "--cluster-yes")
	require.NoError(t, err, out)
	for _, r := range all {
		require.NoError(t, s.TouchSessions(t.Context(), session.Touch{Tenant: "t", ID: r.ID, Use: session.Use{At: at.Add(time.Second), IdleAt: r.IdleAt}}))
		got, err := s.Session(t.Context(), "t", r.ID)
		require.NoError(t, err)
		require.Equal(t, at.Add(time.Second), got.LastUsedAt)
	}
	page, err := s.TenantSessions(t.Context(), "t", at, "", 100)
	require.NoError(t, err)
	require.Len(t, page.Records, len(all))

	cluster.Nodes[2].Kill()
	answered, failed := 0, 0
	for _, r := range all {
		_, err := s.Session(t.Context(), "t", r.ID)
		require.NotErrorIs(t, err, authn.ErrNotFound)
		if err == nil {
			answered++
		} else {
			failed++
		}
	}
	t.Logf("%d were answered, %d refused", answered, failed)
	assert.Positive(t, failed)
	cluster.Nodes[2].Restart(t)
	r := newRecord(t, ada)
	require.Eventually(t, func() bool {
		_, err := s.CreateSession(t.Context(), r, session.Limit{})
		_, errRead := s.Session(t.Context(), r.Subject.Tenant, r.ID)
		return err == nil || errRead == nil
	}, 30*time.Second, 50*time.Millisecond)
}
