package app_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packet is what an auditor downloads and takes away.
type packet struct {
	checkpoint string
	entries    [][]byte
}

func readPacket(t *testing.T, b []byte) (p packet) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	part := func(name string) []byte {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	p.checkpoint = string(part("checkpoint.txt"))
	p.entries = bytes.Split(bytes.TrimSuffix(part("entries.jsonl"), []byte("\n")), []byte("\n"))
	return p
}

// write puts a packet down as a file.
func (p packet) write(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "packet.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, text := range map[string]string{"checkpoint.txt": p.checkpoint, "entries.jsonl": string(bytes.Join(p.entries, []byte("\n"))) + "\n"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// stranger verifies a packet with nothing but what its README says and the standard library.
func stranger(p packet, public string) error {
	text, signatures, ok := strings.Cut(p.checkpoint, "\n\n")
	if !ok {
		return fmt.Errorf("no signatures: %q", p.checkpoint)
	}
	text += "\n"
	_, key, _ := strings.Cut(public, "+")
	_, key, _ = strings.Cut(key, "+")
	k, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(k) != 33 {
		return fmt.Errorf("key %q: %v", public, err)
	}
	signed := false
	for line := range strings.Lines(signatures) {
		fields := strings.Fields(line)
		if s, err := base64.StdEncoding.DecodeString(fields[len(fields)-1]); err == nil && len(s) > 4 {
			signed = signed || ed25519.Verify(k[1:], []byte(text), s[4:])
		}
	}
	if !signed {
		return fmt.Errorf("not signed by %s", public)
	}
	lines := strings.Split(text, "\n")
	if lines[1] != fmt.Sprint(len(p.entries)) {
		return fmt.Errorf("%s entries are signed, %d are here", lines[1], len(p.entries))
	}
	if root := base64.StdEncoding.EncodeToString(treeOf(p.entries)); root != lines[2] {
		return fmt.Errorf("the root is %s, signed is %s", root, lines[2])
	}
	return nil
}

// treeOf is RFC 6962's root.
func treeOf(entries [][]byte) []byte {
	if len(entries) == 1 {
		h := sha256.Sum256(append([]byte{0}, entries[0]...))
		return h[:]
	}
	k := 1
	for 2*k < len(entries) {
		k *= 2
	}
	h := sha256.Sum256(slices.Concat([]byte{1}, treeOf(entries[:k]), treeOf(entries[k:])))
	return h[:]
}

// Ensure that an auditor who has downloaded a packet needs neither the server nor its good will: the program without a database and a
// verifier written by the packet's own instructions both find it in order, and neither one that was altered.
func TestPacket(t *testing.T) {
	v := newHanded(t, newVictim(t, t.TempDir()))
	call := func(name string) {
		v.post("/api/form/base.call/record", map[string]any{"values": map[string]any{"caller": name}}, 201)
	}
	call("周")
	v.stop() // which seals
	taken := filepath.Join(t.TempDir(), "taken.txt")
	b, err := os.ReadFile(v.file("journal.checkpoints"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(taken, b, 0o600); err != nil {
		t.Fatal(err)
	}
	v.start()
	v.signIn()
	early := readPacket(t, v.get("/api/log/packet"))
	call("吴")
	call("郑")
	v.stop()
	later := filepath.Join(t.TempDir(), "later.txt")
	if b, err = os.ReadFile(v.file("journal.checkpoints")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(later, b, 0o600); err != nil {
		t.Fatal(err)
	}
	v.start()
	v.signIn()
	whole := readPacket(t, v.get("/api/log/packet"))
	v.stop()
	key, err := os.ReadFile(v.file("journal.key"))
	if err != nil {
		t.Fatal(err)
	}
	public := strings.Fields(string(key))[1]
	check := func(p packet, more ...string) (string, error) {
		c := exec.Command("zhanggui", append([]string{"verify-packet", p.write(t), "--public", public}, more...)...)
		c.Dir = t.TempDir() // nothing of the house is there
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if len(whole.entries) <= len(early.entries) || len(early.entries) < 2 {
		t.Fatalf("%d and then %d entries", len(early.entries), len(whole.entries))
	}
	for _, p := range []packet{early, whole} {
		if out, err := check(p, "--checkpoint", taken); err != nil || !strings.Contains(out, "they are what was signed") {
			t.Errorf("%v\n%s", err, out)
		}
		if err := stranger(p, public); err != nil {
			t.Error(err)
		}
	}
	if out, err := check(early, "--checkpoint", later); err == nil {
		t.Errorf("an older packet agrees with a newer checkpoint:\n%s", out)
	}
	other := newVictim(t, t.TempDir())
	other.found()
	other.stop()
	if b, err = os.ReadFile(other.file("journal.checkpoints")); err != nil {
		t.Fatal(err)
	}
	last := len(whole.entries) - 1
	for name, spoil := range map[string]func(p *packet){
		"a letter":             func(p *packet) { p.entries[1] = bytes.Replace(p.entries[1], []byte("e"), []byte("f"), 1) },
		"one left out":         func(p *packet) { p.entries = slices.Delete(p.entries, 1, 2) },
		"the last left out":    func(p *packet) { p.entries = p.entries[:last] },
		"one more":             func(p *packet) { p.entries = append(p.entries, p.entries[0]) },
		"two in another order": func(p *packet) { p.entries[0], p.entries[1] = p.entries[1], p.entries[0] },
		"another's checkpoint": func(p *packet) { p.checkpoint = string(b) },
		"a checkpoint with a lie": func(p *packet) {
			p.checkpoint = strings.Replace(p.checkpoint, fmt.Sprint(len(p.entries)), fmt.Sprint(len(p.entries)+1), 1)
		},
		"an older checkpoint": func(p *packet) { p.checkpoint = early.checkpoint },
	} {
		p := packet{whole.checkpoint, slices.Clone(whole.entries)}
		spoil(&p)
		if out, err := check(p); err == nil {
			t.Errorf("%s: the program finds nothing:\n%s", name, out)
		}
		if stranger(p, public) == nil {
			t.Errorf("%s: the stranger finds nothing", name)
		}
	}
}
