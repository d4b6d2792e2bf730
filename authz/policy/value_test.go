package policy_test

import (
	"encoding/json"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/setting"
)

type status string

type rank uint8

func values() policy.Vocabulary {
	return policy.Vocabulary{
		Resources: map[string]policy.ResourceType{"Thing": {
			Attributes: map[string]string{
				"s": "String?", "b": "Bool?", "l": "Long?", "t": "datetime?", "d": "duration?", "ip": "ipaddr?", "dec": "decimal?",
				"e": "User?", "ss": "Set<String>?", "se": "Set<Thing>?", "sl": "Set<Set<Long>>?",
			},
			Actions: []string{"things.use"},
		}},
	}
}

// TestValues reads Go values as the types that are declared, and refuses all others. POL-01.
func TestValues(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		name      string
		value     any
		condition string // empty is refused
	}{
		{"s", "x", `resource.s == "x"`}, {"s", status("x"), `resource.s == "x"`}, {"s", setting.Secret("x"), `resource.s == "x"`},
		{"s", 1, ""}, {"s", []byte("x"), ""}, {"s", struct{}{}, ""}, {"s", (*string)(nil), ""},
		{"b", true, `resource.b`}, {"b", "true", ""}, {"b", 1, ""},
		{"l", 7, `resource.l == 7`}, {"l", int8(-7), `resource.l == -7`}, {"l", rank(7), `resource.l == 7`}, {"l", uint64(7), `resource.l == 7`},
		{"l", int64(math.MinInt64), `resource.l == -9223372036854775808`}, {"l", 7.0, `resource.l == 7`}, {"l", json.Number("7"), `resource.l == 7`},
		{"l", uint64(math.MaxUint64), ""}, {"l", 7.5, ""}, {"l", math.NaN(), ""}, {"l", math.Inf(1), ""}, {"l", 1e300, ""}, {"l", json.Number("7.5"), ""}, {"l", "7", ""}, {"l", time.Second, ""},
		{"t", now, `resource.t == datetime("2026-01-02T03:04:05Z")`}, {"t", "2026-01-02T03:04:05Z", `resource.t == datetime("2026-01-02T03:04:05Z")`},
		{"t", time.Time{}, ""}, {"t", "yesterday", ""}, {"t", 7, ""},
		{"d", time.Minute, `resource.d == duration("1m")`}, {"d", "1m0s", `resource.d == duration("1m")`}, {"d", 7, ""}, {"d", "x", ""},
		{"ip", netip.MustParseAddr("10.0.0.1"), `resource.ip == ip("10.0.0.1")`}, {"ip", netip.MustParsePrefix("10.0.0.0/8"), `resource.ip == ip("10.0.0.0/8")`},
		{"ip", "10.0.0.1", `resource.ip == ip("10.0.0.1")`}, {"ip", netip.MustParseAddr("fe80::1%eth0"), `resource.ip == ip("fe80::1")`}, {"ip", netip.Addr{}, ""}, {"ip", netip.Prefix{}, ""}, {"ip", "x", ""},
		{"dec", "1.50", `resource.dec == decimal("1.5")`}, {"dec", 1.5, ""}, {"dec", "x", ""},
		{"e", "u1", `resource.e == User::"u1"`}, {"e", policy.Entity{Type: "User", ID: "u1"}, `resource.e == User::"u1"`}, {"e", &policy.Entity{Type: "User", ID: "u1"}, `resource.e == User::"u1"`},
		{"e", map[string]any{"type": "User", "id": "u1"}, `resource.e == User::"u1"`},
		{"e", "", ""}, {"e", policy.Entity{Type: "Thing", ID: "u1"}, ""}, {"e", (*policy.Entity)(nil), ""}, {"e", map[string]any{"type": "User"}, ""}, {"e", map[string]any{"id": "u1"}, ""}, {"e", 7, ""},
		{"ss", []string{"a", "b"}, `resource.ss.containsAll(["a", "b"])`}, {"ss", []any{"a", status("b")}, `resource.ss.containsAll(["a", "b"])`}, {"ss", [1]string{"a"}, `resource.ss == ["a"]`},
		{"ss", []string(nil), `resource.ss.isEmpty()`}, {"ss", []any{"a", 1}, ""}, {"ss", "a", ""}, {"ss", []any{nil}, ""}, {"ss", map[string]any{}, ""},
		{"se", []string{"x"}, `resource.se.contains(Thing::"x")`},
		{"sl", [][]int{{1}, {}}, `resource.sl.contains([1])`}, {"sl", []int{1}, ""},
	} {
		condition := tc.condition
		if condition == "" {
			condition = "true"
		}
		set, err := policy.Compile(values(), policy.Limits{}, policy.Source{Name: "p", Text: []byte(
			`permit(principal, action == Action::"things.use", resource) when { resource has ` + tc.name + ` && ` + condition + ` };`)})
		require.NoError(t, err, condition)
		r := &policy.Request{Principal: policy.Principal{ID: "u1"}, Action: "things.use", Resource: policy.Resource{Type: "Thing", ID: "1", Attributes: policy.Attributes{tc.name: tc.value}}}
		v := set.Evaluate(t.Context(), r)
		if tc.condition == "" {
			require.Equal(t, policy.Error, v.Effect, "%s %T %v", tc.name, tc.value, tc.value)
			require.ErrorContains(t, v.Err, "policy: resource."+tc.name+" ")
			continue
		}
		require.NoError(t, v.Err, "%s %T %v", tc.name, tc.value, tc.value)
		require.Equal(t, policy.Permit, v.Effect, "%s %T %v", tc.name, tc.value, tc.value)
	}
}

// TestRequestJSON records a request without its secrets, and asks it again.
func TestRequestJSON(t *testing.T) {
	t.Parallel()
	set := compile(t, ownArticles+`permit(principal, action, resource) when { context.ip.isInRange(ip("10.0.0.0/8")) && principal has level && principal.level == 4 };`)
	r := article("u1", "u1", "editor")
	r.Principal.Attributes["apiToken"], r.Principal.Attributes["note"] = "hunter2", setting.Secret("hunter2")
	r.Resource.Attributes["nested"] = map[string]any{"password": "hunter2", "list": []any{setting.Secret("hunter2"), map[string]any{"a_secret": "hunter2"}}, "ttl": time.Minute}
	written, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(written), "hunter2")
	require.Contains(t, string(written), setting.Redacted)
	var again policy.Request
	require.NoError(t, json.Unmarshal(written, &again))
	require.Equal(t, set.Evaluate(t.Context(), r), set.Evaluate(t.Context(), &again))
	require.Equal(t, policy.Permit, set.Evaluate(t.Context(), &again).Effect)
	empty, err := json.Marshal(policy.Request{Action: "a.b"})
	require.NoError(t, err)
	require.JSONEq(t, `{"principal":{"id":""},"action":"a.b"}`, string(empty))
}

func TestSecretName(t *testing.T) {
	t.Parallel()
	for name, expected := range map[string]bool{"clientSecret": true, "password_hash": true, "API_KEY": true, "otp": true, "owner": false, "status": false} {
		require.Equal(t, expected, policy.SecretName(name), name)
	}
}
