package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// secretBytes is both the length of a generated secret and the least that is accepted from the file.
const secretBytes = 32

// developmentKey gives the token manager a key that is kept in the folder, so
// that tokens survive a restart. A key that is configured stays.
func developmentKey(c authn.TokenConfig, folder string) (authn.TokenConfig, error) {
	if c.SecretKey != "" || c.PrivateKeyFile != "" {
		return c, nil
	}
	var err error
	switch algorithm := c.WithDefaults().Algorithm; algorithm {
	case "HS256":
		c.SecretKey, err = keptSecret(filepath.Join(folder, "jwt.key"))
	case "RS256", "ES256", "EdDSA":
		c.PrivateKeyFile = filepath.Join(folder, "jwt-"+strings.ToLower(algorithm)+".pem")
		err = keepOnce(c.PrivateKeyFile, func() ([]byte, error) { return newPEM(algorithm) })
	}
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
		return "", fmt.Errorf("%s does not hold %d bytes or more in base64: restore it, or delete it for a new key, which ends all sessions", file, secretBytes)
	}
	return setting.Secret(secret), nil
}

func newSecret() ([]byte, error) {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // crypto/rand.Read never fails
	return []byte(base64.StdEncoding.EncodeToString(raw) + "\n"), nil
}

func newPEM(algorithm string) ([]byte, error) {
	key, err := newPrivateKey(algorithm)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func newPrivateKey(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "RS256":
		const bits = 3072
		return rsa.GenerateKey(rand.Reader, bits)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
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
