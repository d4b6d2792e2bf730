package redisstore

import (
	"crypto/sha1" //nolint:gosec // it is Redis' name for a script and protects nothing
	"embed"
	"encoding/hex"

	"github.com/redis/rueidis"
)

//go:embed lua/*.lua
var files embed.FS

// script is one atomic step. All its keys are in one slot.
type script struct{ source, sha string }

// load joins the parts of a script.
func load(names ...string) (script, error) {
	source := ""
	for _, name := range names {
		text, err := files.ReadFile("lua/" + name + ".lua")
		if err != nil {
			return script{}, err
		}
		source += string(text)
	}
	sum := sha1.Sum([]byte(source)) //nolint:gosec // see above
	return script{source: source, sha: hex.EncodeToString(sum[:])}, nil
}

// scripts are all of them.
type scripts struct {
	create, end, list, rotate, prove script
	touch, drop                      script
	claim, settle, consume, expire   script
	append, read, forget             script
	counter, lapse                   script
}

func loadScripts() (s scripts, err error) {
	for _, part := range []struct {
		to    *script
		names []string
	}{
		{&s.create, []string{"record", "proof", "create"}}, {&s.prove, []string{"record", "proof", "prove"}}, {&s.end, []string{"record", "end"}}, {&s.list, []string{"record", "list"}},
		{&s.rotate, []string{"record", "proof", "rotate"}}, {&s.touch, []string{"record", "touch"}}, {&s.drop, []string{"record", "drop"}},
		{&s.claim, []string{"claim"}}, {&s.settle, []string{"settle"}}, {&s.consume, []string{"consume"}}, {&s.expire, []string{"expire"}},
		{&s.append, []string{"log", "append"}}, {&s.read, []string{"log", "read"}}, {&s.forget, []string{"forget"}},
		{&s.counter, []string{"counter"}}, {&s.lapse, []string{"lapse"}},
	} {
		if *part.to, err = load(part.names...); err != nil {
			return scripts{}, err
		}
	}
	return s, nil
}

// step is a script with its arguments.
type step struct {
	script script
	keys   []string
	args   []string
}

// cached names the script, full sends it, which has Redis remember it.
func (p step) cached(b rueidis.Builder) rueidis.Completed {
	return b.Evalsha().Sha1(p.script.sha).Numkeys(int64(len(p.keys))).Key(p.keys...).Arg(p.args...).Build()
}

func (p step) full(b rueidis.Builder) rueidis.Completed {
	return b.Eval().Script(p.script.source).Numkeys(int64(len(p.keys))).Key(p.keys...).Arg(p.args...).Build()
}
