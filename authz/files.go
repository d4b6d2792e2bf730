package authz

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/authmodule/authmodule/authz/policy"
)

// ErrPolicyFile: a file of policies cannot be read.
var ErrPolicyFile = errors.New("authz: policy file")

// longestPolicyFile bounds what is read of one file; what is longer is refused when it is compiled.
const longestPolicyFile = 1<<20 + 1

// Read reads the files that Files and Schema name, each once and in the order of their names. Files ends in
// .cedar, .yaml or .yml. The error names every file and pattern that does not work, and wraps [ErrPolicyFile].
func (c PolicyConfig) Read() (policies, schemas []policy.Source, err error) {
	var errs []error
	names, err := expand(c.Files)
	errs = append(errs, err)
	for _, name := range names {
		src, err := readSource(name, openFile)
		if _, known := policy.FormatOf(name); !known {
			err = fmt.Errorf("%w %s: its name must end in .cedar, .yaml or .yml", ErrPolicyFile, quotePath(name))
		}
		policies, errs = append(policies, src), append(errs, err)
	}
	for _, name := range c.Schema {
		src, err := readSource(name, openFile)
		src.Format = policy.Cedar
		schemas, errs = append(schemas, src), append(errs, err)
	}
	return policies, schemas, errors.Join(errs...)
}

// ReadPolicies reads policies from the files of a file system, such as an embed.FS, that match the patterns of [fs.Glob].
func ReadPolicies(files fs.FS, patterns ...string) ([]policy.Source, error) {
	var sources []policy.Source
	var errs []error
	for _, pattern := range patterns {
		names, err := fs.Glob(files, pattern)
		if err == nil && len(names) == 0 {
			err = fs.ErrNotExist
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w %s: %w", ErrPolicyFile, quotePath(pattern), err))
		}
		for _, name := range names {
			src, err := readSource(name, files.Open)
			sources, errs = append(sources, src), append(errs, err)
		}
	}
	return sources, errors.Join(errs...)
}

// unread refuses files that nobody read: what they forbid would be allowed.
func (c PolicyConfig) unread(deps Deps) error {
	var errs []error
	for _, kind := range []struct {
		key   string
		files []string
		read  []policy.Source
	}{{"Files", c.Files, deps.Policies}, {"Schema", c.Schema, deps.Schemas}} {
		for _, pattern := range kind.files {
			if !slices.ContainsFunc(kind.read, func(src policy.Source) bool { return isNamed(src.Name, pattern) }) {
				errs = append(errs, fmt.Errorf("%w %s (PolicyConfig.%s) was not read; hand what PolicyConfig.Read returns to Deps", ErrPolicyFile, quotePath(pattern), kind.key))
			}
		}
	}
	return errors.Join(errs...)
}

// isNamed reports whether a file that the pattern found may have the name.
func isNamed(name, pattern string) bool {
	cleaned := path.Clean(filepath.ToSlash(pattern))
	matches, _ := path.Match(cleaned, path.Clean(name))
	return matches || cleaned == path.Clean(name)
}

func expand(patterns []string) ([]string, error) {
	var all []string
	var errs []error
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err == nil && len(names) == 0 {
			err = fs.ErrNotExist
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w %s (auth.rbac.policies.files): %w", ErrPolicyFile, quotePath(pattern), err))
		}
		all = append(all, names...)
	}
	slices.Sort(all)
	return slices.Compact(all), errors.Join(errs...)
}

func openFile(name string) (fs.File, error) { return os.Open(name) }

func readSource(name string, open func(string) (fs.File, error)) (policy.Source, error) {
	format, _ := policy.FormatOf(name)
	src := policy.Source{Name: filepath.ToSlash(name), Format: format}
	file, err := open(name)
	if err == nil {
		src.Text, err = io.ReadAll(io.LimitReader(file, longestPolicyFile))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		err = fmt.Errorf("%w %s: %w", ErrPolicyFile, quotePath(name), err)
	}
	return src, err
}

func quotePath(path string) string { return fmt.Sprintf("%q", clip(path, longestPath)) }

const longestPath = 256
