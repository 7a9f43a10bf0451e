package rulebook

import (
	"io/fs"
	"path"
	"strings"
)

// source is a rulebook folder as read: its files merged into one tree, by element and id.
type source struct {
	folder    string
	header    *node
	elements  map[string][]*entry // element → its entries in the order of the files
	clauses   *node
	scenarios []*node
	inherited []*node // the base's scenarios in the words of this variant
	calendars []*node
	files     map[string]string // what is law in it, by name
}

// readAll reads every folder with a rulebook.yaml; of the law alone, its scenarios are left unread.
func readAll(r *reporter, fsys fs.FS, instead map[string]string, law bool) []*source {
	dirs, err := fs.ReadDir(fsys, ".")
	if err != nil {
		r.errorf(Pos{}, "cannot read the rulebooks: %v", err)
		return nil
	}
	var list []*source
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		if _, err := fs.Stat(fsys, path.Join(d.Name(), "rulebook.yaml")); err != nil {
			continue
		}
		files := given(instead, d.Name())
		if len(files) == 0 {
			files = filesOf(r, fsys, d.Name(), func(p string) bool { return law && p == path.Join(d.Name(), played) })
		}
		list = append(list, sourceOf(r, d.Name(), files))
	}
	return list
}

// played is the folder of a rulebook's scenarios.
const played = "scenarios"

// given are those files that stand in for a folder's.
func given(instead map[string]string, folder string) map[string]string {
	files := map[string]string{}
	for name, text := range instead {
		if strings.HasPrefix(name, folder+"/") {
			files[name] = text
		}
	}
	return files
}

// filesOf are the texts of the YAML files below a folder, by name, but for the folders that are left out.
func filesOf(r *reporter, fsys fs.FS, folder string, out func(string) bool) map[string]string {
	files := map[string]string{}
	err := fs.WalkDir(fsys, folder, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && out(p) {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".yaml") && !strings.HasSuffix(p, ".yml") {
			return err
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			r.errorf(Pos{File: p}, "cannot read: %v", err)
			return nil
		}
		files[p] = string(data)
		return nil
	})
	if err != nil {
		r.errorf(Pos{File: folder}, "cannot read: %v", err)
	}
	return files
}

// sourceOf reads a folder's files, given by their names.
func sourceOf(r *reporter, folder string, files map[string]string) *source {
	s := &source{folder: folder, elements: map[string][]*entry{}, files: map[string]string{}}
	for _, f := range sortedKeys(files) {
		data := []byte(files[f])
		if !bounded(r, "rulebooks/"+f, data) {
			continue
		}
		n := parseFile(r, "rulebooks/"+f, data)
		if n == nil {
			continue
		}
		sub := strings.TrimPrefix(f, folder+"/")
		if !strings.HasPrefix(sub, played+"/") {
			s.files[f] = files[f]
		}
		switch {
		case strings.HasPrefix(sub, played+"/"):
			s.scenarios = append(s.scenarios, n)
		case strings.HasPrefix(sub, "calendar/"):
			s.calendars = append(s.calendars, n)
		case strings.Contains(sub, "/"):
			r.errorf(Pos{File: "rulebooks/" + f, Line: 1, Col: 1}, "a rulebook has only the folder scenarios below it")
		case sub == "clauses.yaml":
			if n.kind != yamlMap {
				r.errorf(n.pos, "clauses.yaml is a mapping from clause ids, not %s", n.what())
				continue
			}
			s.clauses = n
		default:
			s.merge(r, n)
		}
	}
	return s
}

// merge adds a file's elements; the same id twice is an error wherever it stands.
func (s *source) merge(r *reporter, n *node) {
	if n.kind != yamlMap {
		r.errorf(n.pos, "a rulebook file is a mapping of elements, not %s", n.what())
		return
	}
	for _, e := range n.keys {
		switch {
		case !knows("top", e.key):
			hint := meant(e.key, keyNames("top"))
			if strings.Contains(e.key, ".") {
				hint = "nest it: " + strings.SplitN(e.key, ".", 2)[0] + ": {" + strings.SplitN(e.key, ".", 2)[1] + ": …}"
			}
			r.hintf(e.pos, hint, "unknown element %q", e.key)
		case e.key == "rulebook":
			if s.header != nil {
				r.errorf(e.pos, "the header rulebook: stands already at %s:%d", s.header.pos.File, s.header.pos.Line)
				continue
			}
			s.header = e.value
		case e.value.kind == yamlNull:
		case e.key == "remove":
			items := e.value.items
			if e.value.isText() {
				items = []*node{e.value}
			}
			for _, x := range items {
				s.elements["remove"] = append(s.elements["remove"], &entry{key: x.text, pos: x.pos, value: x})
			}
		case e.value.kind != yamlMap:
			r.errorf(e.value.pos, "%s: is a mapping from ids, not %s", e.key, e.value.what())
		default:
			for _, x := range e.value.keys {
				if old := s.find(e.key, x.key); old != nil {
					r.errorf(x.pos, "%s %s stands already at %s:%d", e.key, x.key, old.pos.File, old.pos.Line)
					continue
				}
				s.elements[e.key] = append(s.elements[e.key], x)
			}
		}
	}
}

func (s *source) find(element, id string) *entry {
	for _, e := range s.elements[element] {
		if e.key == id {
			return e
		}
	}
	return nil
}
