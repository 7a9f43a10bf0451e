package app

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
)

//go:embed packet_form.txt
var packetFormText string

// What a packet of records holds beside what any packet does.
const (
	packetProofs      = "proofs.jsonl"
	packetData        = "data.json"
	packetConsistency = "consistency.json"
)

// packetRow is a row of data.json, spelled as entries spell rows.
type packetRow struct {
	Table string         `json:"t"`
	Key   string         `json:"k"`
	Set   map[string]any `json:"set"`
}

type packetRecord struct {
	ID     string      `json:"id"`
	Number string      `json:"number"`
	Paper  string      `json:"paper"`
	Rows   []packetRow `json:"rows"`
}

type packetBody struct {
	Form    string         `json:"form"`
	Records []packetRecord `json:"records"`
}

type packetProof struct {
	Leaf  int64    `json:"leaf"`
	Hash  string   `json:"hash"`
	Proof []string `json:"proof"`
}

type packetGrowth struct {
	From  int64    `json:"from"`
	Proof []string `json:"proof"`
}

// Records puts records of a form together with the entries that made them and their proofs. kept is the size of the checkpoint that
// whoever gets the packet keeps, 0 if none.
func (l logbook) Records(ctx context.Context, now time.Time, actor engine.Actor, form string, ids []string, kept int64, paper func(*engine.PrintView, []engine.Text) ([]byte, error)) (func(io.Writer) error, error) {
	s := l.s
	if err := s.seal.sealNow(ctx); err != nil {
		return nil, err
	}
	size, _, err := s.db.LogRoot(ctx, 0)
	if err != nil {
		return nil, err
	}
	if kept > size {
		return nil, fault.At("kept", fmt.Sprintf("日志现在有 %d 条", size), fmt.Sprintf("The log has %d entries", size))
	}
	files := map[string][]byte{}
	p, err := s.now.Load().engine.Packet(ctx, now, actor, form, ids, size, func(p *engine.Packet) (map[string][]byte, error) {
		clear(files) // a transaction may be tried again
		body := packetBody{Form: form, Records: []packetRecord{}}
		for i, r := range p.Records {
			x := packetRecord{ID: r.ID, Number: r.Number, Paper: "paper-" + strconv.Itoa(i+1) + ".html", Rows: []packetRow{}}
			for _, row := range r.Rows {
				x.Rows = append(x.Rows, packetRow{row.Table, row.Key, row.Set})
			}
			body.Records = append(body.Records, x)
			if files[x.Paper], err = paper(r.Paper, p.Stamps); err != nil {
				return nil, err
			}
		}
		files[packetReadme] = []byte(packetFormText)
		files[packetData], err = json.MarshalIndent(body, "", " ")
		return files, err
	})
	if err != nil {
		return nil, err
	}
	if err := s.seal.sealNow(ctx); err != nil {
		return nil, err
	}
	last, err := s.db.LeafOf(ctx, p.Entry)
	if err != nil {
		return nil, err
	}
	note, err := s.db.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	c, err := journal.Open(note, s.seal.verifier)
	if err != nil {
		return nil, err
	}
	if last.Leaf < 0 || last.Leaf >= c.Size {
		return nil, errors.New("the entry of the handing out was not sealed")
	}
	entries := append(p.Entries, engine.PacketEntry{Leaf: last.Leaf, Hash: journal.LeafHash(last.Body), Body: last.Body})
	var proofs bytes.Buffer
	for _, e := range entries {
		list, err := texts(s.db.ProveInclusion(ctx, c.Size, e.Leaf))
		if err != nil {
			return nil, err
		}
		if err := json.NewEncoder(&proofs).Encode(packetProof{e.Leaf, e.Hash.String(), list}); err != nil {
			return nil, err
		}
	}
	files[packetCheckpoint], files[packetProofs] = note, proofs.Bytes()
	if kept > 0 {
		list, err := texts(s.db.ProveConsistency(ctx, kept, c.Size))
		if err != nil {
			return nil, err
		}
		if files[packetConsistency], err = json.Marshal(packetGrowth{kept, list}); err != nil {
			return nil, err
		}
	}
	var lines bytes.Buffer
	for _, e := range entries {
		lines.Write(append(slices.Clone(e.Body), '\n'))
	}
	files[packetEntries] = lines.Bytes()
	return func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			f, err := z.Create(name)
			if err == nil {
				_, err = f.Write(files[name])
			}
			if err != nil {
				return err
			}
		}
		return z.Close()
	}, nil
}

// packetPartMost bounds a file of a packet that is checked: whoever made it may have made it large.
const packetPartMost = 256 << 20

// recordsCheck reads a packet of records and says what is wrong with it, the first difference first.
type recordsCheck struct {
	parts  map[string][]byte
	at     journal.Checkpoint
	proofs []packetProof
	lines  [][]byte
	fold   journal.Fold
	found  []string
}

func (k *recordsCheck) add(format string, args ...any) {
	k.found = append(k.found, fmt.Sprintf(format, args...))
}

// checkRecords looks at everything: what is signed, what is said to be handed out, and what the entries add up to.
func checkRecords(z *zip.Reader, at journal.Checkpoint, kept []journal.Checkpoint) (found []string, said string, err error) {
	k := &recordsCheck{parts: map[string][]byte{}, at: at}
	for _, f := range z.File {
		if _, twice := k.parts[f.Name]; twice {
			k.add("added: a second %s", f.Name)
			continue
		}
		in, err := f.Open()
		if err != nil {
			return nil, "", err
		}
		b, err := io.ReadAll(io.LimitReader(in, packetPartMost+1))
		if err == nil && len(b) > packetPartMost {
			err = fmt.Errorf("%s is too large", f.Name)
		}
		if err != nil {
			k.add("unreadable: %s: %v", f.Name, err)
		}
		k.parts[f.Name] = b
	}
	d := json.NewDecoder(bytes.NewReader(k.parts[packetProofs]))
	for {
		var p packetProof
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			k.add("unreadable: %s, line %d: %v", packetProofs, len(k.proofs)+1, err)
			return k.found, "", nil
		}
		k.proofs = append(k.proofs, p)
	}
	in := bufio.NewScanner(bytes.NewReader(k.parts[packetEntries]))
	in.Buffer(nil, packetPartMost)
	for in.Scan() {
		k.lines = append(k.lines, bytes.Clone(in.Bytes()))
	}
	if len(k.lines) != len(k.proofs) || len(k.lines) == 0 {
		k.add("missing: %d entries and %d proofs", len(k.lines), len(k.proofs))
		return k.found, "", nil
	}
	withheld := k.entries()
	k.handedOut()
	k.rows()
	compared := k.kept(kept)
	said = fmt.Sprintf("%d entries, %d of them withheld, %s", len(k.lines), withheld, compared)
	return k.found, said, nil
}

// entries checks that each entry is in the signed log, once and in its order.
func (k *recordsCheck) entries() (withheld int) {
	before := int64(-1)
	for i, p := range k.proofs {
		if p.Leaf <= before {
			k.add("order: line %d of %s: leaf %d follows leaf %d", i+1, packetProofs, p.Leaf, before)
		}
		before = p.Leaf
		h, err := journal.ParseHash(p.Hash)
		if err != nil {
			k.add("unreadable: leaf %d: hash: %v", p.Leaf, err)
			continue
		}
		if len(k.lines[i]) == 0 {
			withheld++
		} else if journal.LeafHash(k.lines[i]) != h {
			k.add("altered: leaf %d: the entry's bytes are not those of its hash", p.Leaf)
		} else if err := k.fold.Add(k.lines[i]); err != nil {
			k.add("unreadable: leaf %d: %v", p.Leaf, err)
		}
		var proof []journal.Hash
		for _, s := range p.Proof {
			one, err := journal.ParseHash(s)
			if err != nil {
				k.add("unreadable: leaf %d: proof: %v", p.Leaf, err)
			}
			proof = append(proof, one)
		}
		if err := journal.CheckLeaf(proof, k.at, p.Leaf, h); err != nil {
			k.add("unproven: leaf %d is not in the log of %d entries that was signed", p.Leaf, k.at.Size)
		}
	}
	return withheld
}

// handedOut compares with what the log itself says of the handing out.
func (k *recordsCheck) handedOut() {
	n := len(k.lines) - 1
	e, err := journal.Parse(k.lines[n])
	if err != nil || e.Action != "packet.records" || e.Refused {
		k.add("missing: the last entry is not that of the handing out")
		return
	}
	sum := sha256.New()
	for _, p := range k.proofs[:n] {
		h, _ := journal.ParseHash(p.Hash)
		sum.Write(h[:])
	}
	if fmt.Sprint(e.Asked["entries"]) != strconv.Itoa(n) || e.Asked["sum"] != hex.EncodeToString(sum.Sum(nil)) {
		k.add("entries: %v entries were handed out, and these %d are not they", e.Asked["entries"], n)
	}
	files, _ := e.Asked["files"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b, ok := k.parts[name]
		h := sha256.Sum256(b)
		if !ok {
			k.add("missing: %s", name)
		} else if files[name] != hex.EncodeToString(h[:]) {
			k.add("altered: %s is not the file that was handed out", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.parts)) {
		switch name {
		case packetCheckpoint, packetProofs, packetEntries, packetConsistency:
		default:
			if files[name] == nil {
				k.add("added: %s was not handed out", name)
			}
		}
	}
	var body packetBody
	if json.Unmarshal(k.parts[packetData], &body) == nil && body.Form != e.Form {
		k.add("altered: %s is of form %s, handed out were records of %s", packetData, body.Form, e.Form)
	}
}

// rows compares each row of the data with what the entries add up to.
func (k *recordsCheck) rows() {
	var body packetBody
	d := json.NewDecoder(bytes.NewReader(k.parts[packetData]))
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		k.add("unreadable: %s: %v", packetData, err)
		return
	}
	for _, r := range body.Records {
		for _, row := range r.Rows {
			told, ok := k.fold.Row(row.Table, row.Key)
			if !ok {
				k.add("record: %s: no entry wrote row %s %s", r.Number, row.Table, row.Key)
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(row.Set)) {
				if told.Set[name] != row.Set[name] {
					k.add("record: %s: %s %s, %s: the journal says %v, %s says %v", r.Number, row.Table, row.Key, name, told.Set[name], packetData, row.Set[name])
				}
			}
		}
	}
}

// kept compares with checkpoints that were taken away earlier.
func (k *recordsCheck) kept(list []journal.Checkpoint) string {
	if len(list) == 0 {
		return "compared with no checkpoint that was kept"
	}
	var g packetGrowth
	if b := k.parts[packetConsistency]; b != nil {
		if err := json.Unmarshal(b, &g); err != nil {
			k.add("unreadable: %s: %v", packetConsistency, err)
		}
	}
	var proof []journal.Hash
	for _, s := range g.Proof {
		h, err := journal.ParseHash(s)
		if err != nil {
			k.add("unreadable: %s: %v", packetConsistency, err)
		}
		proof = append(proof, h)
	}
	n := 0
	for _, c := range list {
		if c.Size != k.at.Size && c.Size != g.From {
			continue
		}
		n++
		steps := proof
		if c.Size == k.at.Size {
			steps = nil
		}
		if err := journal.CheckConsistency(steps, c, k.at); err != nil {
			k.add("forked: the checkpoint of %d entries that was kept signed another history: %v", c.Size, err)
		}
	}
	if n == 0 {
		k.add("uncompared: no checkpoint that was kept has %d entries, or %d; ask for the packet with the size of one", k.at.Size, g.From)
	}
	return fmt.Sprintf("compared with %s that was kept", plural(n, "checkpoint"))
}
