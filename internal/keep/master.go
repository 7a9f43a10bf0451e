package keep

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// master wraps data keys. Its id is stored with what it wrapped.
type master struct {
	id   string
	aead cipher.AEAD
}

// A master key file has one key a line, base64 of 32 bytes. The first wraps; the others only open what they once wrapped.
func readMasters(file string) ([]master, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): chmod 600", file, info.Mode().Perm())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []master
	for _, line := range strings.Fields(string(b)) {
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(key) != 32 {
			return nil, fmt.Errorf("%s: a line is no key of 32 bytes in base64", file)
		}
		m, err := newMaster(key)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s is empty", file)
	}
	return list, nil
}

func newMaster(key []byte) (master, error) {
	a, err := gcm(key)
	sum := sha256.Sum256(append([]byte("zhanggui master "), key...))
	return master{hex.EncodeToString(sum[:4]), a}, err
}

// makeMaster writes a new master key file; it never overwrites one.
func makeMaster(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return writeMaster(file, base64.StdEncoding.EncodeToString(random(32))+"\n", os.O_EXCL)
}

func writeMaster(file, text string, flag int) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|flag, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// syncFolder makes a new or renamed file survive a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // some file systems cannot; they need it least
	return d.Close()
}

// AddMaster puts a new key before those of a master key file, so that what is wrapped from now on is wrapped by it. Rewrap
// then brings the rest over, and DropMasters ends the old ones.
func AddMaster(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return replaceMaster(file, base64.StdEncoding.EncodeToString(random(32))+"\n"+string(b))
}

// DropMasters leaves only the first key in a master key file.
func DropMasters(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return replaceMaster(file, first+"\n")
}

func replaceMaster(file, text string) error {
	next := file + ".next"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeMaster(next, text, os.O_EXCL); err != nil {
		return err
	}
	if err := os.Rename(next, file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}
