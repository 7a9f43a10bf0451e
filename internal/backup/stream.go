package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
)

// Stream is a continuous copy of a database in a folder. It holds generations, each a folder with the whole file as it was
// (00000000-….piece) and what was written since, piece by piece. A piece begins with a line that says what it is, in plain, and
// the digest of the one before it, so that none can be missing or another's; the pages follow, packed, and encrypted if a recipient is given.
type Stream struct {
	dir, recipient string
	gen            string // "" = none was begun
	next           Line
}

// Line is the first line of a piece.
type Line struct {
	Format     int             `json:"format"`
	Generation string          `json:"generation"`
	No         int             `json:"no"` // 0 = the whole file
	At         string          `json:"at"` // everything done before this moment is in it
	Page       int             `json:"page,omitempty"`
	Count      uint32          `json:"count,omitempty"` // of pages of the database after it
	Place      json.RawMessage `json:"place,omitempty"` // the source's own note of how far it came
	Before     string          `json:"before,omitempty"`
}

const (
	moments   = "20060102T150405.000Z" // sorts as it passes
	pieceEnd  = ".piece"
	streaming = 1
)

// OpenStream goes on with a copy in a folder. last is its newest piece, nil if there is none to continue.
func OpenStream(dir, recipient string) (s *Stream, last *Line, err error) {
	if recipient != "" {
		if _, err := age.ParseX25519Recipient(recipient); err != nil {
			return nil, nil, fmt.Errorf("recipient: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	s = &Stream{dir: dir, recipient: recipient}
	gens, err := generations(dir)
	if err != nil || len(gens) == 0 {
		return s, nil, err
	}
	gen := gens[len(gens)-1]
	pieces, err := piecesOf(dir, gen)
	if err != nil || len(pieces) == 0 {
		return s, nil, err
	}
	name := filepath.Join(dir, gen, pieces[len(pieces)-1])
	line, err := readLine(name)
	if err != nil {
		return s, nil, nil // it can be restored up to there; from here a new generation goes on
	}
	digest, err := digestOf(name)
	if err != nil {
		return nil, nil, err
	}
	s.gen, s.next = gen, Line{Format: streaming, Generation: gen, No: line.No + 1, Before: digest}
	return s, &line, nil
}

// Begin begins a new generation with the whole file.
func (s *Stream) Begin(at time.Time, file io.Reader) error {
	gen := at.UTC().Format(moments)
	if gen <= s.gen { // the clock stood still, or went back
		gen = s.Begun().Add(time.Millisecond).Format(moments)
	}
	if err := os.Mkdir(filepath.Join(s.dir, gen), 0o700); err != nil {
		return err
	}
	if err := syncDir(s.dir); err != nil {
		return err
	}
	s.gen, s.next = gen, Line{Format: streaming, Generation: gen}
	return s.put(at, s.next, func(w io.Writer) error {
		_, err := io.Copy(w, file)
		return err
	})
}

// Append keeps what was written since. pages writes for each page its number, four bytes, and its content.
func (s *Stream) Append(at time.Time, page int, count uint32, place any, pages func(io.Writer) error) error {
	b, err := json.Marshal(place)
	if err != nil {
		return err
	}
	line := s.next
	line.Page, line.Count, line.Place = page, count, b
	return s.put(at, line, pages)
}

// Gone tells whether the generation that is written to is not there any more.
func (s *Stream) Gone() bool {
	_, err := os.Stat(filepath.Join(s.dir, s.gen))
	return s.gen == "" || errors.Is(err, fs.ErrNotExist)
}

// Begun is when the generation began that is written to; zero if there is none.
func (s *Stream) Begun() time.Time {
	t, _ := time.Parse(moments, s.gen)
	return t
}

func (s *Stream) put(at time.Time, line Line, body func(io.Writer) error) (err error) {
	line.At = at.UTC().Format(moments)
	name := filepath.Join(s.dir, s.gen, fmt.Sprintf("%08d-%s%s", line.No, line.At, pieceEnd))
	part := filepath.Join(s.dir, s.gen, "next.part")
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	err = errors.Join(s.write(io.MultiWriter(f, h), line, body), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(part, name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if err != nil {
		return err
	}
	s.next = Line{Format: streaming, Generation: s.gen, No: line.No + 1, Before: hex.EncodeToString(h.Sum(nil))}
	return nil
}

func (s *Stream) write(f io.Writer, line Line, body func(io.Writer) error) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		return err
	}
	out := io.WriteCloser(nopCloser{f})
	if s.recipient != "" {
		r, err := age.ParseX25519Recipient(s.recipient)
		if err != nil {
			return err
		}
		if out, err = age.Encrypt(f, r); err != nil {
			return err
		}
	}
	z, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	return errors.Join(body(z), z.Close(), out.Close())
}

// Prune removes the generations that are not needed to go back to a moment, never the one that is written to.
func (s *Stream) Prune(back time.Time) error {
	gens, err := generations(s.dir)
	if err != nil {
		return err
	}
	for i, gen := range gens {
		if i+1 >= len(gens) || gens[i+1] > back.UTC().Format(moments) {
			return nil
		}
		if err := os.RemoveAll(filepath.Join(s.dir, gen)); err != nil {
			return err
		}
	}
	return nil
}

// IsStream tells whether something is a folder and not a file.
func IsStream(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// Rebuild writes the database of a continuous copy, as it was at a moment, to a new file in dir and answers its name and the moment
// up to which it has everything; the zero moment is the newest. Every piece up to there has been checked against the next; what
// the database holds has not.
func Rebuild(stream, dir, identity string, at time.Time) (database, made string, err error) {
	gens, err := generations(stream)
	if err != nil {
		return "", "", err
	}
	until := "~" // after every moment
	if !at.IsZero() {
		until = at.UTC().Format(moments)
	}
	slices.Reverse(gens)
	for _, gen := range gens {
		if gen > until {
			continue
		}
		pieces, err := piecesOf(stream, gen)
		if err != nil {
			return "", "", err
		}
		n := 0
		for n < len(pieces) && momentOf(pieces[n]) <= until {
			n++
		}
		if n < 2 { // the file is whole only with the first piece after it
			continue
		}
		return rebuild(filepath.Join(stream, gen), pieces[:n], dir, identity)
	}
	return "", "", fmt.Errorf("%w: the copy does not go back to that moment", ErrNotWhole)
}

func rebuild(gen string, pieces []string, dir, identity string) (database, made string, err error) {
	out, err := os.CreateTemp(dir, ".restore-*.db")
	if err != nil {
		return "", "", err
	}
	defer func() {
		if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	before := ""
	for no, name := range pieces {
		digest, err := digestOf(filepath.Join(gen, name))
		if err != nil {
			return "", "", err
		}
		line, body, err := openPiece(filepath.Join(gen, name), identity)
		if err == nil && (line.Format != streaming || line.Generation != filepath.Base(gen) || line.No != no || line.Before != before || line.At != momentOf(name)) {
			err = errors.Join(errors.New("it is not the one that follows"), body.Close())
		}
		if err == nil {
			err = errors.Join(line.apply(out, body), body.Close())
		}
		if err != nil {
			upTo := ""
			if no > 1 {
				t, _ := time.Parse(moments, made)
				upTo = "; it goes on to " + t.Format(time.RFC3339Nano) + " without it (--at)"
			}
			return "", "", fmt.Errorf("%w: %s: %w%s", ErrNotWhole, name, err, upTo)
		}
		before, made = digest, line.At
	}
	t, err := time.Parse(moments, made)
	return out.Name(), t.Format("2006-01-02T15:04:05.000Z"), err
}

// apply writes what a piece holds.
func (l *Line) apply(out *os.File, body io.Reader) error {
	if l.No == 0 {
		_, err := io.Copy(out, body)
		return err
	}
	if l.Page < 512 || l.Page > 1<<16 {
		return errors.New("its pages have no size")
	}
	one := make([]byte, 4+l.Page)
	for {
		if _, err := io.ReadFull(body, one); errors.Is(err, io.EOF) {
			return out.Truncate(int64(l.Count) * int64(l.Page))
		} else if err != nil {
			return err
		}
		no := binary.BigEndian.Uint32(one)
		if no == 0 || no > l.Count {
			return errors.New("a page is outside of the database")
		}
		if _, err := out.WriteAt(one[4:], int64(no-1)*int64(l.Page)); err != nil {
			return err
		}
	}
}

type piece struct {
	io.Reader
	file *os.File
}

func (p piece) Close() error { return p.file.Close() }

func openPiece(name, identity string) (line Line, body io.ReadCloser, err error) {
	f, err := os.Open(name)
	if err != nil {
		return line, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	r := bufio.NewReader(f)
	if line, err = lineOf(r); err != nil {
		return line, nil, err
	}
	packed := io.Reader(r)
	if head, err := r.Peek(len(ageMark)); err == nil && bytes.Equal(head, []byte(ageMark)) {
		ids, err := identities(identity)
		if err != nil {
			return line, nil, err
		}
		if packed, err = age.Decrypt(r, ids...); err != nil {
			return line, nil, err
		}
	}
	z, err := gzip.NewReader(packed)
	return line, piece{z, f}, err
}

func readLine(name string) (line Line, err error) {
	f, err := os.Open(name)
	if err != nil {
		return line, err
	}
	defer f.Close()
	return lineOf(bufio.NewReader(f))
}

func lineOf(r *bufio.Reader) (line Line, err error) {
	b, err := r.ReadSlice('\n') // no longer than the buffer
	if err != nil {
		return line, errors.New("it has no first line")
	}
	return line, json.Unmarshal(b, &line)
}

func digestOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

func momentOf(piece string) string {
	_, at, _ := strings.Cut(strings.TrimSuffix(piece, pieceEnd), "-")
	return at
}

func generations(dir string) (list []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if _, bad := time.Parse(moments, e.Name()); bad == nil && e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list, err
}

func piecesOf(dir, gen string) (list []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, gen))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), pieceEnd) && e.Type().IsRegular() {
			list = append(list, e.Name())
		}
	}
	return list, err
}
