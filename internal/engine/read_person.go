package engine

import (
	"context"
	"io"
	"time"
	"unicode/utf8"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// PersonView is the reader himself.
type PersonView struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Account  string `json:"account"`
	Post     string `json:"post"`
	Unit     *Ref   `json:"unit"`
	Language string `json:"language"`
}

// RoleHeld is a role the reader holds.
type RoleHeld struct {
	ID    string `json:"id"`
	Label Text   `json:"label"`
	Unit  *Ref   `json:"unit"`
}

// Self is who somebody is and what he holds.
type Self struct {
	Person PersonView `json:"person"`
	Roles  []RoleHeld `json:"roles"`
	Rights []string   `json:"rights"`
	Head   bool       `json:"head"`
	Heads  []Ref      `json:"heads"` // the units whose head he is
}

// Self answers who the actor is. Rights name the parts of the house beside the registers that are open to him.
func (e *Engine) Self(ctx context.Context, now time.Time, actor Actor) (*Self, error) {
	var v *Self
	err := e.read(ctx, now, actor, func(w *work) error {
		if w.me == nil {
			return fault.New(fault.Unauthenticated, "请先登录", "Please sign in")
		}
		p := w.world.people[w.me.id]
		if p == nil {
			return fault.Missing("person", w.me.id)
		}
		v = &Self{Person: PersonView{p.id, p.name, p.account, p.post, w.unitRef(p.unit), first(str(w.me.row["language"]), "zh")}, Roles: []RoleHeld{}, Rights: []string{}, Heads: []Ref{}}
		for _, g := range w.world.rolesOf(p.id, w.now) {
			v.Roles = append(v.Roles, RoleHeld{g.role, w.roleLabel(g.role), w.unitRef(g.unit)})
		}
		admin, auditor := w.world.has(p.id, "admin", w.now), w.world.has(p.id, "auditor", w.now)
		for _, u := range sortedKeys(w.world.units) {
			if w.headOf(u) {
				v.Head, v.Heads = true, append(v.Heads, *w.unitRef(u))
			}
		}
		if admin || auditor {
			v.Rights = append(v.Rights, "audit")
		}
		if admin {
			v.Rights = append(v.Rights, "settings", "people")
		}
		return nil
	})
	return v, err
}

// Has tells whether the actor holds a role now.
func (e *Engine) Has(ctx context.Context, now time.Time, actor Actor, role string) (bool, error) {
	ok := false
	err := e.read(ctx, now, actor, func(w *work) error {
		ok = w.me != nil && w.world.has(w.me.id, role, w.now)
		return nil
	})
	return ok, err
}

// Sees tells whether the actor may see a record: what streams of events ask.
func (e *Engine) Sees(ctx context.Context, now time.Time, actor Actor, form, id string) (etag string, ok bool) {
	err := e.read(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen(form, id)
		if err == nil {
			etag = r.Etag()
		}
		return err
	})
	return etag, err == nil
}

// SaveFile keeps an attachment; it belongs to nobody's record until one names it.
func (e *Engine) SaveFile(ctx context.Context, now time.Time, actor Actor, name, kind string, body io.Reader) (*FileValue, error) {
	if name == "" || utf8.RuneCountInString(name) > 200 || !utf8.ValidString(name) {
		return nil, fault.At("file", "文件名太长或看不懂", "The file's name is too long or unreadable")
	}
	f := &FileValue{ID: e.opts.NewID(), Name: name, Type: kind}
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		at := instant(now)
		if s, ok := body.(io.Seeker); ok { // the transaction may run again
			if _, err := s.Seek(0, io.SeekStart); err != nil {
				return err
			}
		}
		size, _, err := tx.PutBlob(f.ID, at, body)
		if err != nil {
			return err
		}
		f.Size = size
		if err := tx.Insert("file", store.Row{"id": f.ID, "blob": f.ID, "name": name, "type": kind, "size": size, "by": nilIfEmpty(actor.Person), "at": at}); err != nil {
			return err
		}
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		if err := w.mayBring(); err != nil { // what came just now is among them
			return err
		}
		return w.writeEntry(nil, nil, Act{Action: "upload", Actor: actor})
	})
	return f, err
}

// File finds an attachment the reader may read: his own, or one that a record names in a field he sees.
func (e *Engine) File(ctx context.Context, now time.Time, actor Actor, id string) (*FileValue, error) {
	var f *FileValue
	err := e.read(ctx, now, actor, func(w *work) error {
		row, err := w.fileRow(id)
		if err != nil {
			return err
		}
		if str(row["by"]) != actor.Person && !w.fileSeen(id) {
			return fault.Missing("file", id)
		}
		m, err := w.fileMeta(id)
		f = &m
		return err
	})
	return f, err
}

// mayAttach tells whether the actor may put these files into a record: he brought them, or may read them where they are.
// Else who learns an id would read another's file by naming it in a record of his own.
func (w *work) mayAttach(v expr.Value) error {
	if w.actor.System {
		return nil
	}
	list, ok := v.([]expr.Value)
	if !ok {
		list = []expr.Value{v}
	}
	for _, x := range list {
		id, _ := x.(string)
		row, err := w.fileRow(id)
		if fault.KindOf(err) == fault.NotFound {
			if w.e.opts.Quiet {
				continue // scenarios name files that nobody brought
			}
			return bad("没有这个文件", "there is no such file")
		}
		if err != nil {
			return err
		}
		if str(row["by"]) != w.actor.Person && !w.fileSeen(id) {
			return bad("没有这个文件", "there is no such file")
		}
	}
	return nil
}

// fileSeen tells whether the reader sees the file on any record.
func (w *work) fileSeen(id string) bool { return w.fileHolder(id) != nil }

// fileHolder looks for a record within the reader's scope that names the file in a field he sees; nil if there is none.
func (w *work) fileHolder(id string) *Record {
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			if r := w.fileHolderOfLine(f, id); r != nil {
				return r
			}
			for _, fd := range f.Fields {
				if fd.Type.Name != "file" && fd.Type.Name != "files" || live(fd) {
					continue
				}
				rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Limit: 5, Where: query.And(w.where(f, "this"),
					query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "this", Name: fd.ID}, query.Const{Value: id}}})})
				if err != nil {
					return nil
				}
				for _, row := range rows {
					if r := w.adopt(f, row); w.maySee(r) && w.visible(r, fd) == full {
						return r
					}
				}
			}
		}
	}
	return nil
}

// fileHolderOfLine is the same for the rows a record owns.
func (w *work) fileHolderOfLine(f *rulebook.Form, id string) *Record {
	for _, l := range f.Lines {
		for _, fd := range l.Fields {
			if fd.Type.Name != "file" && fd.Type.Name != "files" || live(fd) {
				continue
			}
			rows, err := w.tx.Select(query.Select{Table: l.Table, Alias: "l", Limit: 5, Where: query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "l", Name: fd.ID}, query.Const{Value: id}}}})
			if err != nil {
				return nil
			}
			for _, row := range rows {
				if r, err := w.seen(f, str(row["record"])); err == nil && w.visible(r, fd) == full {
					return r
				}
			}
		}
	}
	return nil
}

// uploadsADay is what one person may bring in 24 hours. Who fills the disk stops the work of all.
const uploadsADay = 500 << 20

// mayBring holds a person to what he may bring in a day.
func (w *work) mayBring() error {
	size := int64(0)
	rows, err := w.tx.Select(query.Select{Table: "file", Alias: "f", Columns: []query.Column{{Name: "size", Expr: query.Col{Alias: "f", Name: "size"}}},
		Where: query.And(query.Eq("f", "by", w.actor.Person), query.Op{Name: ">", Args: []query.Expr{query.Col{Alias: "f", Name: "at"}, query.Const{Value: instant(w.now.Add(-24 * time.Hour))}}})})
	if err != nil {
		return err
	}
	for _, row := range rows {
		n, _ := row["size"].(int64)
		size += n
	}
	if size > uploadsADay {
		return fault.New(fault.TooMany, "一天里传的附件太多了，明天再传", "Too much was uploaded within a day; go on tomorrow")
	}
	return nil
}

// CopyFile writes an attachment's content.
func (e *Engine) CopyFile(ctx context.Context, id string, to io.Writer) error {
	return e.DB.CopyBlob(ctx, id, to)
}
