package authmodule

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/authmodule/authmodule/internal/layer"
)

const (
	rootKey        = "auth"
	variablePrefix = "LEX_AUTH"
	defaultFile    = "application.yaml"
)

// Load reads the configuration: the files in order, each followed by its overlay for the profile, then the
// environment. The profile is LEX_ENV; application.yaml is overlaid by application.production.yaml when that exists.
// Without arguments it reads application.yaml in the working directory, if there is one; files that are named must
// exist. The error joins everything that could not be read, each with file and line or with the variable, and shows
// no value. A file without the key auth is read in vain, which [Config.Warnings] says. Load does not judge what it read: Configure does, by [Config.Validate].
func Load(files ...string) (Config, error) { return LoadOver(Config{}, files...) }

// LoadOver is [Load] over defaults of the application's own: what a file or the environment sets wins, false and 0 too. A profile in the
// defaults takes the place of LEX_ENV. The defaults are not changed.
func LoadOver(defaults Config, files ...string) (Config, error) {
	profile := defaults.Profile.orEnvironment()
	badProfile := profile.check()
	if badProfile == nil {
		var err error
		if files, err = withOverlays(files, profile); err != nil {
			return Config{}, err
		}
	}
	cfg := defaults
	cfg.Profile, cfg.unread = profile, nil
	err := layer.Load(&cfg, layer.Options{
		Root:   rootKey,
		Prefix: variablePrefix,
		Files:  files,
		Absent: func(file, hint string) {
			if !isOverlay(file, profile) {
				cfg.unread = append(cfg.unread, file+" has no key "+rootKey+" at its top, so nothing in it is read"+hint)
			}
		},
		Exclusive: [][2]string{{"jwt.expiration_hours", "jwt.access_token_expire_minutes"}},
	})
	if err = errors.Join(badProfile, err); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// withOverlays returns every file to read. The default file and its overlay may each be absent.
func withOverlays(named []string, p Profile) ([]string, error) {
	if len(named) > 0 {
		return layer.WithOverlays(named, string(p))
	}
	var files []string
	for _, name := range []string{defaultFile, "application." + string(p) + ".yaml"} {
		file, err := layer.Find(name)
		if err != nil {
			return nil, err
		}
		if file != "" {
			files = append(files, file)
		}
	}
	return files, nil
}

// isOverlay tells a file that may leave everything as it is.
func isOverlay(file string, p Profile) bool {
	return strings.HasSuffix(strings.TrimSuffix(file, filepath.Ext(file)), "."+string(p))
}
