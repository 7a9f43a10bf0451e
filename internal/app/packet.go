package app

import (
	"archive/zip"
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"

	"zhanggui/internal/journal"
	"zhanggui/internal/store"
	"zhanggui/internal/witness"
)

//go:embed packet.txt
var packetText string

// What a packet holds.
const (
	packetReadme     = "README.txt"
	packetCheckpoint = "checkpoint.txt"
	packetEntries    = "entries.jsonl"
)

// writePacket writes the sealed log with its newest checkpoint: all that an offline verifier needs but the key, which he should
// have from elsewhere.
func writePacket(ctx context.Context, db *store.DB, v journal.Verifier, w io.Writer) error {
	note, err := db.Checkpoint(ctx)
	if err != nil {
		return err
	}
	size := int64(0)
	if note != nil {
		c, err := journal.Open(note, v)
		if err != nil {
			return err
		}
		size = c.Size
	}
	z := zip.NewWriter(w)
	put := func(name string, fn func(io.Writer) error) error {
		f, err := z.Create(name)
		if err != nil {
			return err
		}
		return fn(f)
	}
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	return errors.Join(
		put(packetReadme, text(packetText)),
		put(packetCheckpoint, text(string(note))),
		put(packetEntries, func(w io.Writer) error {
			return db.EachLeaf(ctx, size, func(_ int64, body []byte) error {
				_, err := w.Write(append(body, '\n'))
				return err
			})
		}),
		z.Close())
}

type packetCommand struct {
	File       string   `arg:"" help:"Packet that was downloaded, of the journal or of records." type:"existingfile"`
	Public     string   `help:"Public key of the log, from a source you trust: the second line of the key file." required:"" placeholder:"KEY"`
	Checkpoint []string `help:"Checkpoint that was taken away earlier; may be repeated." placeholder:"FILE" type:"existingfile"`
}

// Run needs neither server nor database.
func (c *packetCommand) Run(p *program) error {
	v, err := journal.NewVerifier(c.Public)
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	z, err := zip.OpenReader(c.File)
	if err != nil {
		return fmt.Errorf("%s is no packet: %w", c.File, err)
	}
	defer z.Close()
	f, err := z.Open(packetCheckpoint)
	if err != nil {
		return fmt.Errorf("%s is no packet: %w", c.File, err)
	}
	note, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return err
	}
	newest, err := journal.Open(note, v)
	if err != nil {
		return err
	}
	kept, err := c.kept(v)
	if err != nil {
		return err
	}
	if f, err := z.Open(packetProofs); err == nil { // of records
		_ = f.Close()
		found, said, err := checkRecords(&z.Reader, newest, kept)
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		return packetSays(p, found, said, newest, v)
	}
	a := journal.NewAudit(append(kept, newest)...)
	if f, err = z.Open(packetEntries); err != nil {
		return fmt.Errorf("%s is no packet: %w", c.File, err)
	}
	in := bufio.NewReaderSize(f, 1<<20)
	for leaf := int64(0); ; leaf++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: entry %d: %w", c.File, leaf, err)
		}
		a.Body(leaf, line[:len(line)-1])
	}
	var found []string
	for _, x := range a.Close() {
		found = append(found, x.String())
	}
	if a.Size() > newest.Size { // whoever passed the packet on could have added them
		found = append(found, fmt.Sprintf("added: %d entries follow those that the packet's checkpoint signs", a.Size()-newest.Size))
	}
	return packetSays(p, found, fmt.Sprintf("%d entries", a.Size()), newest, v)
}

// kept are the checkpoints that were taken away earlier.
func (c *packetCommand) kept(v journal.Verifier) (list []journal.Checkpoint, err error) {
	for _, name := range c.Checkpoint {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, one := range witness.Split(b) {
			old, err := journal.Open(one, v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			list = append(list, old)
		}
	}
	return list, nil
}

func packetSays(p *program, found []string, said string, at journal.Checkpoint, v journal.Verifier) error {
	for _, x := range found {
		fmt.Fprintln(p.out, x)
	}
	fmt.Fprintf(p.out, "%s, %s, key %s\n", said, plural(len(found), "finding"), v.Name())
	if len(found) > 0 {
		return errFailed
	}
	fmt.Fprintf(p.out, "they are what was signed at %s\n", at.At.Format("2006-01-02 15:04:05 UTC"))
	return nil
}
