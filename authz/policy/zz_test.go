package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/authmodule/authmodule/authz/policy"
)

func TestMeasure(t *testing.T) {
	r := article("u1", "u1")
	r.Resource.Attributes["status"] = strings.Repeat("a", 1024)
	var tags []string
	for i := range 256 {
		tags = append(tags, fmt.Sprint("tag", i))
	}
	r.Resource.Attributes["tags"] = tags
	chain := []policy.Entity(nil)
	for i := range 30 {
		chain = []policy.Entity{{Type: "Folder", ID: fmt.Sprint(i), Parents: chain}}
	}
	for i := range 90 {
		chain = append(chain, policy.Entity{Type: "Folder", ID: fmt.Sprint("x", i), Parents: nil})
	}
	r.Resource.Parents = chain
	set := func(n int) string {
		var l []string
		for i := range n {
			l = append(l, fmt.Sprintf("%q", fmt.Sprint("x", i)))
		}
		return "[" + strings.Join(l, ",") + "]"
	}
	for name, cond := range map[string]string{
		"like":        `resource.status like "*` + strings.Repeat("a", 200) + `b"`,
		"likes":       strings.Repeat(`resource.status like "*`+strings.Repeat("a", 100)+`b*" || `, 2) + "false",
		"and":         strings.Repeat(`resource.level > 1 && `, 300) + "resource.level > 0",
		"access":      strings.Repeat(`resource.owner == principal && `, 200) + "resource.level > 0",
		"containsAny": strings.Repeat(`resource.tags.containsAny(`+set(20)+`) || `, 20) + "resource.level > 0",
		"set eq":      strings.Repeat(`resource.tags == resource.tags && `, 80) + "resource.level > 0",
		"in":          strings.Repeat(`principal in [Role::"a", Role::"b", Role::"c"] || `, 60) + "resource.level > 0",
		"set dyn":     strings.Repeat(`[resource.status, "b", "c"].contains("d") || `, 60) + "resource.level > 0",
		"rec":         strings.Repeat(`{a: resource.status, b: {c: resource.level}} == {a: "", b: {c: 2}} || `, 40) + "resource.level > 0",
		"ip":          strings.Repeat(`context.ip.isInRange(ip("1.2.3.0/24")) || `, 100) + "resource.level > 0",
		"infolder":    strings.Repeat(`resource in Folder::"nope" || `, 20) + "resource.level > 0",
		"tagsonly":    `resource.tags.isEmpty() || resource.level > 0`,
	} {
		s, err := policy.Compile(articles(), policy.Limits{PolicyCost: 1e9, AttributeBytes: 1e6, DecisionCost: 1e9}, policy.Source{Name: "p", Text: []byte(`permit(principal, action == Action::"articles.edit", resource is Article) when {` + cond + `};`)})
		if err != nil {
			t.Log(name, err)
			continue
		}
		best := time.Hour
		for range 30 {
			start := time.Now()
			v := s.Evaluate(context.Background(), r)
			if v.Err != nil {
				t.Log(name, v.Err)
			}
			best = min(best, time.Since(start))
		}
		c := s.Policies()[0].Cost
		t.Log(name, best, "cost", c, "ns/unit", best.Nanoseconds()/int64(c))
	}
}
