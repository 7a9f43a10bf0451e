// Package backup packs a copy of a database with a manifest, encrypted if a recipient is given, and unpacks nothing that
// is not whole. It knows files, nothing of the house.
package backup

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// Manifest says what a backup holds.
type Manifest struct {
	Format     int    `json:"format"`
	Made       string `json:"made"`       // UTC
	Program    string `json:"program"`    // version
	Checkpoint string `json:"checkpoint"` // signed note of the log when the copy was made, "" if nothing was sealed
	Size       int64  `json:"size"`       // of the database file
	SHA256     string `json:"sha256"`
}

const (
	format       = 1
	manifestName = "manifest.json"
	databaseName = "database.db"
)

// ErrNotWhole is what anything but an intact backup is answered with; the wrapped text says what is wrong.
var ErrNotWhole = errors.New("the backup is not whole")

// Write packs a database file into a new file; recipient "" leaves it readable by anybody who gets hold of it.
func Write(to, database string, m Manifest, recipient string) (err error) {
	in, err := os.Open(database)
	if err != nil {
		return err
	}
	defer in.Close()
	h := sha256.New()
	if m.Size, err = io.Copy(h, in); err != nil {
		return err
	}
	m.Format, m.SHA256 = format, hex.EncodeToString(h.Sum(nil))
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	part := to + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	if err = errors.Join(write(f, in, m, recipient), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Link(part, to); err != nil { // unlike a renaming it overwrites nothing
		return err
	}
	return errors.Join(os.Remove(part), syncDir(filepath.Dir(to)))
}

func write(f io.Writer, database io.Reader, m Manifest, recipient string) error {
	out := io.WriteCloser(nopCloser{f})
	if recipient != "" {
		r, err := age.ParseX25519Recipient(recipient)
		if err != nil {
			return fmt.Errorf("recipient: %w", err)
		}
		if out, err = age.Encrypt(f, r); err != nil {
			return err
		}
	}
	z := zip.NewWriter(out)
	w, err := z.Create(manifestName)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(m); err != nil {
		return err
	}
	if w, err = z.Create(databaseName); err != nil {
		return err
	}
	if _, err := io.Copy(w, database); err != nil {
		return err
	}
	return errors.Join(z.Close(), out.Close())
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// ageMark begins an encrypted file.
const ageMark = "age-encryption.org/"

// Unpack writes the database of a backup to a new file in dir and answers its name. The manifest, the sum and the shape of the
// file have been checked; what the database holds has not. identity is the secret key of an encrypted backup.
func Unpack(file, dir, identity string) (database string, m Manifest, err error) {
	plain, err := decrypt(file, dir, identity)
	if err != nil {
		return "", m, err
	}
	if plain != file {
		defer func() { err = errors.Join(err, os.Remove(plain)) }()
	}
	z, err := zip.OpenReader(plain)
	if err != nil {
		return "", m, fmt.Errorf("%w: %w", ErrNotWhole, err)
	}
	defer z.Close()
	// Two plain files and nothing else: no links, no folders, no paths.
	if len(z.File) != 2 || z.File[0].Name != manifestName || z.File[1].Name != databaseName || !z.File[0].Mode().IsRegular() || !z.File[1].Mode().IsRegular() {
		return "", m, fmt.Errorf("%w: it holds something else than a manifest and a database", ErrNotWhole)
	}
	r, err := z.File[0].Open()
	if err == nil {
		err = json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&m)
	}
	if err != nil {
		return "", m, fmt.Errorf("%w: manifest: %w", ErrNotWhole, err)
	}
	if m.Format != format {
		return "", m, fmt.Errorf("%w: its format is %d, this program reads %d", ErrNotWhole, m.Format, format)
	}
	out, err := os.CreateTemp(dir, ".restore-*.db")
	if err != nil {
		return "", m, err
	}
	database = out.Name()
	h := sha256.New()
	n := int64(0)
	if r, err = z.File[1].Open(); err == nil {
		n, err = io.Copy(io.MultiWriter(out, h), io.LimitReader(r, m.Size+1))
	}
	if err == nil && (n != m.Size || hex.EncodeToString(h.Sum(nil)) != m.SHA256) {
		err = errors.New("the database is not the one the manifest tells of")
	}
	if err != nil {
		return "", m, errors.Join(fmt.Errorf("%w: %w", ErrNotWhole, err), out.Close(), os.Remove(database))
	}
	return database, m, errors.Join(out.Sync(), out.Close())
}

// decrypt answers the file itself if it is not encrypted, else a new file in dir.
func decrypt(file, dir, identity string) (string, error) {
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	head := make([]byte, len(ageMark))
	_, _ = io.ReadFull(in, head)
	if !bytes.Equal(head, []byte(ageMark)) {
		return file, nil
	}
	ids, err := identities(identity)
	if err != nil {
		return "", err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	r, err := age.Decrypt(in, ids...)
	if errors.As(err, new(*age.NoIdentityMatchError)) {
		return "", errors.New("it is encrypted for another key than --identity has")
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotWhole, err)
	}
	out, err := os.CreateTemp(dir, ".restore-*.zip")
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(out, r); err != nil {
		return "", errors.Join(fmt.Errorf("%w: %w", ErrNotWhole, err), out.Close(), os.Remove(out.Name()))
	}
	return out.Name(), out.Close()
}

// identities reads the secret keys of a file such as NewKey's or age-keygen's make, remarks included.
func identities(text string) ([]age.Identity, error) {
	if text == "" {
		return nil, errors.New("the backup is encrypted: give its secret key with --identity")
	}
	ids, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil { // its words hold a piece of the key
		return nil, errors.New("the secret key cannot be read")
	}
	return ids, nil
}

// Place gives a checked file its name, which must be free.
func Place(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return errors.Join(os.Remove(from), syncDir(filepath.Dir(to)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// NewKey makes a pair of keys for backups: the secret one belongs where the server is not.
func NewKey() (secret, public string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", err
	}
	return id.String(), id.Recipient().String(), nil
}
