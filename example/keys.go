package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/setting"
)

// secretBytes is both the length of a generated secret and the least that is accepted from the file.
const secretBytes = 32

// managedKeys keeps a secret in the folder, which seals what is stored, and has the module make and rotate the
// signing keys, so that tokens survive a restart. Keys that are configured stay.
func managedKeys(c authmodule.Config, folder string) (authmodule.Config, error) {
	if c.JWT.SecretKey != "" || c.JWT.PrivateKeyFile != "" || len(c.JWT.Keys) > 0 {
		return c, nil
	}
	c.JWT.Managed.Enabled = true
	if c.JWT.Algorithm == "" {
		c.JWT.Algorithm = "ES256"
	}
	if c.SecretKey != "" {
		return c, nil
	}
	var err error
	c.SecretKey, err = keptSecret(filepath.Join(folder, "secret.key"))
	return c, err
}

// keptSecret returns the secret in the file, which it makes when it is absent.
func keptSecret(file string) (setting.Secret, error) {
	if err := keepOnce(file, newSecret); err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if raw, err := base64.StdEncoding.DecodeString(secret); err != nil || len(raw) < secretBytes {
		return "", fmt.Errorf("%s does not hold %d bytes or more in base64: restore it, or start with an empty folder", file, secretBytes)
	}
	return setting.Secret(secret), nil
}

func newSecret() ([]byte, error) {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // crypto/rand.Read never fails
	return []byte(base64.StdEncoding.EncodeToString(raw) + "\n"), nil
}

// keepOnce makes the file, readable by its owner only, unless there is one. The
// file appears with all of its content or not at all; of two programs that start
// at once, one makes it and the other finds it.
func keepOnce(file string, content func() ([]byte, error)) error {
	if _, err := os.Stat(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err := content()
	if err != nil {
		return fmt.Errorf("make %s: %w", file, err)
	}
	temp, err := os.CreateTemp(filepath.Dir(file), ".key-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
