package journal

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what an auditor keeps: so many leaves had this root at this time.
type Checkpoint struct {
	Origin string // name of the log, the same as the name of its key
	Size   int64
	Root   Hash
	At     time.Time
}

// Body is the checkpoint as the text that is signed: origin, size, root, and the time as an
// extension line. The first three lines are the form that public witnesses of logs read.
func (c Checkpoint) Body() string {
	return fmt.Sprintf("%s\n%d\n%s\ntime %s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]), instant(c.At))
}

// ParseBody reads such a text.
func ParseBody(body string) (Checkpoint, error) {
	bad := func(what string) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("journal: checkpoint: bad %s", what)
	}
	lines := strings.Split(body, "\n")
	if len(lines) != 5 || lines[4] != "" || lines[0] == "" {
		return bad("shape")
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return bad("size")
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return bad("root")
	}
	at, ok := strings.CutPrefix(lines[3], "time ")
	if !ok {
		return bad("time")
	}
	if c.At, err = time.Parse(instantForm, at); err != nil || instant(c.At) != at {
		return bad("time")
	}
	return c, nil
}

// Signer and Verifier hold the two halves of a log's key.
type (
	Signer   = note.Signer
	Verifier = note.Verifier
)

// NewKey makes the key of a log. The secret half belongs outside the database.
func NewKey(random io.Reader, origin string) (secret, public string, err error) {
	return note.GenerateKey(random, origin)
}

// NewSigner reads a secret key, NewVerifier a public one.
func NewSigner(secret string) (Signer, error)     { return note.NewSigner(secret) }
func NewVerifier(public string) (Verifier, error) { return note.NewVerifier(public) }

// Sign writes the checkpoint as a signed note.
func (c Checkpoint) Sign(signers ...Signer) ([]byte, error) {
	if len(signers) == 0 {
		return nil, fmt.Errorf("journal: nobody signs the checkpoint")
	}
	return note.Sign(&note.Note{Text: c.Body()}, signers...)
}

// Open reads a signed checkpoint. At least one signature must be good by one of the verifiers; a
// bad signature in a known name is an error, an unknown name is passed over.
func Open(message []byte, verifiers ...Verifier) (Checkpoint, error) {
	n, err := note.Open(message, note.VerifierList(verifiers...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("journal: checkpoint: %w", err)
	}
	c, err := ParseBody(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("journal: checkpoint of %s is not signed by %s", c.Origin, c.Origin)
}

// Cosign adds a witness's signature to a signed checkpoint, keeping those it has.
func Cosign(message []byte, verifiers []Verifier, witness Signer) ([]byte, error) {
	n, err := note.Open(message, note.VerifierList(verifiers...))
	if err != nil {
		return nil, fmt.Errorf("journal: cosign: %w", err)
	}
	return note.Sign(n, witness)
}

// SignedBy tells whether a note carries a good signature of this key.
func SignedBy(message []byte, v Verifier) bool {
	n, err := note.Open(message, note.VerifierList(v))
	return err == nil && len(n.Sigs) > 0
}
