package layer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// WithOverlays returns the files, each followed by its overlay for the profile if that exists: application.yaml by
// application.production.yaml. The endings .yaml and .yml stand for one another in an overlay.
func WithOverlays(files []string, profile string) ([]string, error) {
	var all []string
	for _, file := range files {
		ext := filepath.Ext(file)
		overlay, err := Find(strings.TrimSuffix(file, ext) + "." + profile + ext)
		if err != nil {
			return nil, err
		}
		all = append(all, file)
		if overlay != "" {
			all = append(all, overlay)
		}
	}
	return all, nil
}

// Find returns the file if it exists, or the one with the other of the endings .yaml and .yml, or "" when there is
// neither. It is an error when both exist.
func Find(file string) (string, error) {
	var found []string
	for _, name := range spellings(file) {
		if _, err := os.Stat(name); err == nil {
			found = append(found, name)
		} else if !os.IsNotExist(err) {
			return "", fmt.Errorf("%s: %w", name, unreadable(err))
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	default:
		return "", fmt.Errorf("%s and %s both exist; keep one of them", found[0], found[1])
	}
}

func spellings(file string) []string {
	base, ext := strings.TrimSuffix(file, filepath.Ext(file)), filepath.Ext(file)
	switch ext {
	case ".yaml":
		return []string{file, base + ".yml"}
	case ".yml":
		return []string{file, base + ".yaml"}
	default:
		return []string{file}
	}
}
