package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// PacketMost is how many records one packet may hold.
const PacketMost = 100

// Packet is records of one form as an outside auditor gets them, with the entries that made them. All of it is bound by one entry,
// which the journal keeps of the handing out: who altered a file, left an entry out or added one contradicts that entry.
type Packet struct {
	Form    string
	Records []PacketRecord
	Entries []PacketEntry // in the order of the log; that of the handing out is not among them
	Stamps  []Text        // that the classes of what leaves demand
	Entry   string        // id of the entry of the handing out
}

// PacketRecord is one record: its paper as the exporter may see it, and its rows as the journal tells them.
type PacketRecord struct {
	ID, Number string
	Paper      *PrintView
	Rows       []journal.Row // without what is classified, and without what withheld entries wrote
}

// PacketEntry is a sealed entry. Body is nil where it tells of a record that the exporter does not see: its hash alone goes along.
type PacketEntry struct {
	Leaf int64
	Hash journal.Hash
	Body []byte
}

// packetSum binds entries in their order: SHA-256 over their leaf hashes.
func packetSum(list []PacketEntry) string {
	h := sha256.New()
	for _, e := range list {
		h.Write(e.Hash[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Packet judges whether these records may leave (the form's export, and its print if it has one, with their gates), puts them
// together and records the handing out. size is how much of the log is sealed. files answers the files that are made of the packet,
// by name; their digests stand in the entry.
func (e *Engine) Packet(ctx context.Context, now time.Time, actor Actor, form string, ids []string, size int64, files func(*Packet) (map[string][]byte, error)) (*Packet, error) {
	now = now.UTC().Truncate(time.Millisecond)
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 || len(ids) > PacketMost {
		return nil, fault.At("records", fmt.Sprintf("一次取 1 到 %d 份", PacketMost), fmt.Sprintf("Name 1 to %d records", PacketMost))
	}
	p, err := e.packet(ctx, now, actor, form, ids, size, files)
	if ref, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: form, Record: alone(ids), Action: packetAction, Actor: actor}, ref)
	}
	return p, err
}

// packetAction is what the journal calls a handing out.
const packetAction = "packet.records" // with a dot, so that no action of a rulebook is called so

// alone is the one record of a list, "" of several.
func alone(ids []string) string {
	if len(ids) == 1 {
		return ids[0]
	}
	return ""
}

func (e *Engine) packet(ctx context.Context, now time.Time, actor Actor, form string, ids []string, size int64, files func(*Packet) (map[string][]byte, error)) (p *Packet, err error) {
	var sought []*sought
	err = e.read(ctx, now, actor, func(w *work) error { // before the log is looked at
		list, err := w.packetRecords(form, ids)
		if err == nil {
			sought, err = w.seek(list)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	leaves, err := e.findLeaves(ctx, size, sought)
	if err != nil {
		return nil, err
	}
	err = e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		list, err := w.packetRecords(form, ids)
		if err != nil {
			return err
		}
		p = &Packet{Form: form}
		if p.Stamps, err = w.judgeExport(list[0].form, &taking{rows: len(list), proven: true}); err != nil {
			return err
		}
		w.taken = len(list)
		if err := w.packetEntries(p, list, leaves); err != nil {
			return err
		}
		if err := w.packetRows(p, list, leaves); err != nil {
			return err
		}
		made, err := files(p)
		if err != nil {
			return err
		}
		sums := map[string]any{}
		for name, b := range made {
			h := sha256.Sum256(b)
			sums[name] = hex.EncodeToString(h[:])
		}
		var of *Record
		if len(list) == 1 {
			of = list[0]
		}
		if err := w.took(form, of, "packet", len(list)); err != nil {
			return err
		}
		if err := w.settle(); err != nil {
			return err
		}
		entry, err := w.entry(of, Act{Form: form, Action: packetAction})
		if err != nil {
			return err
		}
		entry.Form = form
		entry.Asked = map[string]any{"records": ids, "files": sums, "entries": int64(len(p.Entries)), "sum": packetSum(p.Entries)}
		p.Entry = entry.ID
		return w.append(entry)
	})
	return p, err
}

// packetRecords are the records, if the exporter sees them all and may read the journal's bytes.
func (w *work) packetRecords(form string, ids []string) ([]*Record, error) {
	if !w.whole() {
		return nil, fault.New(fault.Forbidden, "证据包只给稽核员和管理员", "Packets are for auditors and administrators")
	}
	list := make([]*Record, len(ids))
	for i, id := range ids {
		r, err := w.recordSeen(form, id)
		if err != nil {
			return nil, err
		}
		list[i] = r
		a := r.form.Action("print")
		if a == nil {
			continue
		}
		view := w.view(r)
		if !view.Awake(&a.Node) {
			continue
		}
		for _, judge := range []func() error{ // the paper in the packet is a print
			func() error { return w.judgeState(r, a, view) },
			func() error { return w.judgeWho(r, a, view, demand{person: true}) },
			func() error { return w.judgeGates(r, a, demand{person: true}) },
			func() error { return w.judgeRequire(r, a, view, demand{person: true}) },
		} {
			if err := judge(); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// packetEntries takes what is told of the records or wrote their rows or attachments, and blanks what tells of records the exporter
// does not see.
func (w *work) packetEntries(p *Packet, list []*Record, leaves []store.Leaf) error {
	mine, files := map[string]*Record{}, map[string]bool{}
	for _, r := range list {
		mine[r.id] = r
		own, err := w.packetFiles(r)
		if err != nil {
			return err
		}
		for _, f := range own {
			files[str(f["id"])] = true
		}
	}
	for _, l := range leaves {
		e, err := journal.Parse(l.Body)
		if err != nil {
			return err
		}
		if !ofPacket(e, mine, files) {
			continue
		}
		x := PacketEntry{Leaf: l.Leaf, Hash: journal.LeafHash(l.Body), Body: l.Body}
		whole, err := w.mayHandOut(e)
		if err != nil {
			return err
		}
		if !whole {
			x.Body = nil
		}
		p.Entries = append(p.Entries, x)
	}
	return nil
}

// ofPacket tells whether an entry is of one of the records, or wrote one of their rows or attachments.
func ofPacket(e *journal.Entry, mine map[string]*Record, files map[string]bool) bool {
	if r := mine[e.Record]; r != nil && r.form.Key == e.Form {
		return true
	}
	return slices.ContainsFunc(e.Rows, func(row journal.Row) bool {
		if r := mine[row.Key]; r != nil && r.form.Table == row.Table || row.Table == fileTable.Name && files[row.Key] {
			return true
		}
		of, _ := row.Set["record"].(string)
		r := mine[of]
		return r != nil && slices.ContainsFunc(r.form.Lines, func(l *rulebook.Line) bool { return l.Table == row.Table })
	})
}

// mayHandOut tells whether the reader sees every record of which an entry tells. Its values are those that nobody is kept from who
// sees the record: of classified ones the journal keeps digests and ciphers.
func (w *work) mayHandOut(e *journal.Entry) (bool, error) {
	told := map[[2]string]bool{}
	if e.Record != "" {
		told[[2]string{e.Form, e.Record}] = true
	}
	for _, c := range e.Changed {
		told[[2]string{c.Form, c.Record}] = true
	}
	for _, row := range e.Rows {
		form, id := w.rowOf(row)
		if form != "" {
			told[[2]string{form, id}] = true
		}
	}
	for k := range told {
		f := w.e.Lib.Form(k[0])
		if f == nil || f.Kept == "engine" {
			continue
		}
		if slices.ContainsFunc(f.Fields, func(fd *rulebook.Field) bool { return fd.Type.Name == "secret" && fd.Class == nil }) {
			return false, nil
		}
		if _, err := w.seen(f, k[1]); fault.KindOf(err) == fault.NotFound {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// rowOf is the record to which a row of a table belongs: itself, that of which it is a line, or that of which the engine noted it.
// A line that an entry only changes does not say whose it is; then that is asked of the table.
func (w *work) rowOf(row journal.Row) (form, id string) {
	of := func(name string) string { s, _ := row.Set[name].(string); return s }
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			if f.Table == row.Table {
				if f.Kept == "engine" {
					return of("of_form"), of("of_id")
				}
				return f.Key, row.Key
			}
			for _, l := range f.Lines {
				if l.Table != row.Table {
					continue
				}
				if of("record") == "" {
					if list, err := w.tx.Kept(l.Table, query.Eq("t", "id", row.Key)); err == nil && len(list) == 1 {
						s, _ := list[0].Set["record"].(string)
						return f.Key, s
					}
				}
				return f.Key, of("record")
			}
		}
	}
	return "", ""
}

// packetRows puts the records' papers and rows into the packet, after a look whether the rows are what the journal says: what is not
// so does not leave.
func (w *work) packetRows(p *Packet, list []*Record, leaves []store.Leaf) error {
	var whole, shown journal.Fold // all that the log holds, and what goes along
	for _, l := range leaves {
		if err := whole.Add(l.Body); err != nil {
			return err
		}
	}
	for _, e := range p.Entries {
		if e.Body == nil {
			continue
		}
		if err := shown.Add(e.Body); err != nil {
			return err
		}
	}
	for _, r := range list {
		x := PacketRecord{ID: r.id, Number: r.Number()}
		var err error
		if x.Paper, err = w.printView(r, ""); err != nil {
			return err
		}
		rows, err := w.keptRows(r)
		if err != nil {
			return err
		}
		for _, have := range rows {
			told, _ := whole.Row(have.Table, have.Key)
			differs, err := w.tx.Follows(told, have)
			if err != nil {
				return err
			}
			if differs != "" {
				return fault.New(fault.Conflict, x.Number+" 现在的内容与已封存的日志不符：可能正在办理，请稍后再取；若仍不符，请校验日志",
					x.Number+" is not what the sealed journal says: it may have been changed just now, so ask again; if it stays so, verify the journal")
			}
			goes, _ := shown.Row(have.Table, have.Key)
			for name, v := range told.Set {
				_, digest := v.(journal.Digest)
				if same, ok := goes.Set[name]; digest || !ok || same != v {
					delete(have.Set, name)
				}
			}
			x.Rows = append(x.Rows, have)
		}
		p.Records = append(p.Records, x)
	}
	return nil
}

// keptRows are a record's row, those of its lines, and those of its attachments, which say what their content hashes to, as tables
// hold them.
func (w *work) keptRows(r *Record) ([]journal.Row, error) {
	rows, err := w.tx.Kept(r.form.Table, query.Eq("t", "id", r.id))
	for _, l := range r.form.Lines {
		if err != nil {
			return nil, err
		}
		var more []journal.Row
		more, err = w.tx.Kept(l.Table, query.Eq("t", "record", r.id))
		rows = append(rows, more...)
	}
	if err != nil {
		return nil, err
	}
	files, err := w.packetFiles(r)
	for _, f := range files {
		named, err := w.tx.Kept(fileTable.Name, query.Eq("t", "id", f["id"]))
		if err != nil {
			return nil, err
		}
		content, err := w.tx.Kept("blob", query.Eq("t", "id", f["blob"]))
		if err != nil {
			return nil, err
		}
		rows = append(append(rows, named...), content...)
	}
	return rows, err
}
