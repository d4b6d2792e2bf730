package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// DeviceStore tests a driver against the contract of [session.DeviceStore].
func DeviceStore(t *testing.T, open func(t *testing.T) session.DeviceStore) {
	cases := []testCase[session.DeviceStore]{
		{"see and list", deviceSee},
		{"a known device keeps its name and its first time", deviceKnown},
		{"rename", deviceRename},
		{"no more than the limit", deviceLimit},
		{"prune", devicePrune},
		{"delete", deviceDelete},
		{"tenants are apart", deviceTenants},
		{"odd values", deviceOddValues},
		{"a cancelled context changes nothing", deviceCancelled},
	}
	cases = append(cases, raceCases("one call finds the device new", deviceRace)...)
	runCases(t, open, cases)
}

const manyDevices = 100

func newDevice(owner authn.Subject, id string, at time.Time) session.Device {
	return session.Device{Subject: owner, ID: id, FirstSeenAt: at, LastSeenAt: at}
}

// seeDevice requires that the device is new or known as expected.
func seeDevice(t *testing.T, ctx context.Context, s session.DeviceStore, d session.Device, isNew bool) session.Device {
	t.Helper()
	stored, got, err := s.SeeDevice(ctx, d, manyDevices)
	require.NoError(t, err)
	require.Equal(t, isNew, got, "the device is new")
	return plainDevice(stored)
}

func plainDevice(d session.Device) session.Device {
	inUTC(&d.FirstSeenAt, &d.LastSeenAt)
	return d
}

func requireDevices(t *testing.T, ctx context.Context, s session.DeviceStore, owner authn.Subject, expected ...session.Device) {
	t.Helper()
	list, err := s.Devices(ctx, owner)
	require.NoError(t, err)
	for i := range list {
		list[i] = plainDevice(list[i])
	}
	require.Equal(t, full(expected), full(list))
}

func deviceSee(t *testing.T, ctx context.Context, s session.DeviceStore) {
	ada := subject("", "ada")
	requireDevices(t, ctx, s, ada)
	a, b, c := newDevice(ada, "a", base()), newDevice(ada, "b", base().Add(tick)), newDevice(ada, "c", base())
	b.Name = "named"
	for _, d := range []session.Device{a, b, c} {
		require.Equal(t, d, seeDevice(t, ctx, s, d, true))
	}
	requireDevices(t, ctx, s, ada, b, c, a)
	requireDevices(t, ctx, s, subject("", "bob"))
}

func deviceKnown(t *testing.T, ctx context.Context, s session.DeviceStore) {
	ada := subject("", "ada")
	d := newDevice(ada, "d", base())
	seeDevice(t, ctx, s, newDevice(ada, "d", base().In(zone())), true)
	require.NoError(t, s.RenameDevice(ctx, ada, "d", "laptop"))
	d.Name, d.LastSeenAt = "laptop", base().Add(time.Hour)
	again := newDevice(ada, "d", base().Add(time.Hour).In(zone()))
	require.Equal(t, d, seeDevice(t, ctx, s, again, false))
	list, err := s.Devices(ctx, ada)
	require.NoError(t, err)
	require.Len(t, list, 1)
	requireUTC(t, list[0].FirstSeenAt, list[0].LastSeenAt)
	require.Equal(t, d, seeDevice(t, ctx, s, newDevice(ada, "d", base().Add(-time.Hour)), false), "no time moves back")
	requireDevices(t, ctx, s, ada, d)
}

func deviceRename(t *testing.T, ctx context.Context, s session.DeviceStore) {
	ada := subject("", "ada")
	d, other := newDevice(ada, "d", base()), newDevice(subject("", "bob"), "d", base())
	seeDevice(t, ctx, s, d, true)
	seeDevice(t, ctx, s, other, true)
	for _, name := range []string{"laptop", "", "日本語"} {
		require.NoError(t, s.RenameDevice(ctx, ada, "d", name))
		d.Name = name
		requireDevices(t, ctx, s, ada, d)
	}
	assert.ErrorIs(t, s.RenameDevice(ctx, ada, "absent", "x"), authn.ErrNotFound)
	assert.ErrorIs(t, s.RenameDevice(ctx, subject("", "eve"), "d", "x"), authn.ErrNotFound)
	requireDevices(t, ctx, s, other.Subject, other)
}

func deviceLimit(t *testing.T, ctx context.Context, s session.DeviceStore) {
	ada := subject("", "ada")
	bob := newDevice(subject("", "bob"), "a", base().Add(-time.Hour))
	seeDevice(t, ctx, s, bob, true)
	var all []session.Device
	for i, id := range []string{"a", "b", "c", "d", "e"} {
		d := newDevice(ada, id, base().Add(time.Duration(i)*time.Second))
		all = append([]session.Device{d}, all...)
		_, isNew, err := s.SeeDevice(ctx, d, 3)
		require.NoError(t, err)
		require.True(t, isNew)
		requireDevices(t, ctx, s, ada, all[:min(len(all), 3)]...)
	}
	_, isNew, err := s.SeeDevice(ctx, newDevice(ada, "c", base().Add(time.Minute)), 3)
	require.NoError(t, err)
	require.False(t, isNew)
	_, isNew, err = s.SeeDevice(ctx, newDevice(ada, "f", base().Add(time.Minute)), 2)
	require.NoError(t, err)
	require.True(t, isNew)
	list, err := s.Devices(ctx, ada)
	require.NoError(t, err)
	require.Len(t, list, 2, "a lower limit holds from then on")
	requireDevices(t, ctx, s, bob.Subject, bob)
}

func deviceDelete(t *testing.T, ctx context.Context, s session.DeviceStore) {
	ada, bob, elsewhere := subject("", "ada"), subject("", "bob"), subject("acme", "ada")
	require.NoError(t, s.DeleteDevices(ctx, ada, ""), "none")
	for _, owner := range []authn.Subject{ada, bob, elsewhere} {
		seeDevice(t, ctx, s, newDevice(owner, "d1", base()), true)
		seeDevice(t, ctx, s, newDevice(owner, "d2", base()), true)
	}
	require.NoError(t, s.DeleteDevices(ctx, ada, "d1"))
	requireDevices(t, ctx, s, ada, newDevice(ada, "d1", base()))
	require.NoError(t, s.DeleteDevices(ctx, ada, "another"))
	requireDevices(t, ctx, s, ada)
	seeDevice(t, ctx, s, newDevice(ada, "d1", base()), true)
	require.NoError(t, s.DeleteDevices(ctx, ada, ""))
	requireDevices(t, ctx, s, ada)
	requireDevices(t, ctx, s, bob, newDevice(bob, "d2", base()), newDevice(bob, "d1", base()))
	requireDevices(t, ctx, s, elsewhere, newDevice(elsewhere, "d2", base()), newDevice(elsewhere, "d1", base()))
	seeDevice(t, ctx, s, newDevice(ada, "d1", base()), true)
}

func devicePrune(t *testing.T, ctx context.Context, s session.DeviceStore) {
	ada := subject("", "ada")
	kept := newDevice(ada, "kept", base())
	seeDevice(t, ctx, s, newDevice(ada, "old", base().Add(-tick)), true)
	seeDevice(t, ctx, s, newDevice(ada, "used", base().Add(-tick)), true)
	seeDevice(t, ctx, s, kept, true)
	used := seeDevice(t, ctx, s, newDevice(ada, "used", base().Add(tick)), false)
	n, err := s.PruneDevices(ctx, base())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	requireDevices(t, ctx, s, ada, used, kept)
	n, err = s.PruneDevices(ctx, base().Add(time.Hour))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	requireDevices(t, ctx, s, ada)
	seeDevice(t, ctx, s, kept, true)
}

func deviceTenants(t *testing.T, ctx context.Context, s session.DeviceStore) {
	a, b := newDevice(subject("a", "ada"), "d", base()), newDevice(subject("b", "ada"), "d", base())
	seeDevice(t, ctx, s, a, true)
	assert.ErrorIs(t, s.RenameDevice(ctx, b.Subject, "d", "x"), authn.ErrNotFound)
	seeDevice(t, ctx, s, b, true)
	require.NoError(t, s.RenameDevice(ctx, b.Subject, "d", "x"))
	requireDevices(t, ctx, s, a.Subject, a)
	b.Name = "x"
	requireDevices(t, ctx, s, b.Subject, b)
}

func deviceOddValues(t *testing.T, ctx context.Context, s session.DeviceStore) {
	var all []session.Device
	for _, odd := range oddTexts() {
		for _, d := range []session.Device{
			newDevice(subject(odd, "ada"), "d", base()), newDevice(subject("", odd), "d", base()), newDevice(subject("", "of "+odd), odd, base()),
		} {
			d.Name = odd
			all = append(all, seeDevice(t, ctx, s, d, true))
		}
	}
	for _, d := range all {
		requireDevices(t, ctx, s, d.Subject, d)
	}
}

func deviceCancelled(t *testing.T, ctx context.Context, s session.DeviceStore) {
	ada := subject("", "ada")
	seeDevice(t, ctx, s, newDevice(ada, "d", base()), true)
	snapshot := func() any {
		list, err := s.Devices(ctx, ada)
		require.NoError(t, err)
		return list
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"SeeDevice", func(ctx context.Context) error {
			_, _, err := s.SeeDevice(ctx, newDevice(ada, "e", base()), 1)
			return err
		}},
		{"RenameDevice", func(ctx context.Context) error { return s.RenameDevice(ctx, ada, "d", "x") }},
		{"Devices", func(ctx context.Context) error { return errOf(s.Devices(ctx, ada)) }},
		{"DeleteDevices", func(ctx context.Context) error { return s.DeleteDevices(ctx, ada, "") }},
		{"PruneDevices", func(ctx context.Context) error { return errOf(s.PruneDevices(ctx, base().Add(time.Hour))) }},
	})
}

func deviceRace(t *testing.T, ctx context.Context, s session.DeviceStore, n int) {
	ada := subject("", "ada")
	found := 0
	type seen struct {
		isNew bool
		err   error
	}
	for _, r := range race(n, func(i int) seen {
		_, isNew, err := s.SeeDevice(ctx, newDevice(ada, "d", base().Add(time.Duration(i)*tick)), manyDevices)
		return seen{isNew, err}
	}) {
		require.NoError(t, r.err)
		if r.isNew {
			found++
		}
	}
	assert.Equal(t, 1, found)
	list, err := s.Devices(ctx, ada)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.True(t, list[0].LastSeenAt.Equal(base().Add(time.Duration(n-1)*tick)))
}
