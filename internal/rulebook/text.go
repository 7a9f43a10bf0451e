package rulebook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
)

// Text is a rulebook as it is written: the files of its folder and of those it varies by their names below the rulebooks' folder,
// without scenarios. Digest tells two texts apart by what they say (hex of a SHA-256), whatever their comments and line breaks.
type Text struct {
	Digest string
	Files  map[string]string
}

// Text is what the book was compiled from.
func (l *Library) Text(b *Book) Text {
	t := Text{Digest: b.sum, Files: map[string]string{}}
	for _, id := range l.ancestors(b) {
		maps.Copy(t.Files, l.Book(id).files)
	}
	return t
}

func (b *Book) digest() string {
	h := sha256.New()
	for _, c := range b.Clauses {
		fmt.Fprintf(h, "%s %s %q %q %q %v\n", c.ID, c.Kind, c.Text.ZH, c.Text.EN, c.Legal, c.Default)
	}
	for _, element := range sortedKeys(b.text) {
		for _, e := range b.text[element] {
			fmt.Fprintf(h, "%s %s ", element, e.key)
			e.value.whole(h)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// written is the book with all that it says, as it stands in its files. The tree is large and few ask for it, so what is compiled lives without, and
// it is read anew for each who does.
func (l *Library) written(b *Book) *Book {
	x := &loader{r: newReporter(), lib: &Library{}, byID: map[string]*book{}} // what is wrong was said when it was compiled
	for _, id := range l.ancestors(b) {
		x.header(sourceOf(x.r, id, l.Book(id).files))
	}
	x.variants()
	w := *b
	if c := x.byID[b.ID]; c != nil {
		w.text = c.src.whole()
	}
	return &w
}

// whole is all that a folder says, its header too.
func (s *source) whole() map[string][]*entry {
	text := maps.Clone(s.elements)
	if s.header != nil {
		text["rulebook"] = []*entry{{key: "rulebook", value: s.header}}
	}
	return text
}

// whole writes everything that the node says.
func (n *node) whole(to io.Writer) {
	if n == nil {
		return
	}
	fmt.Fprintf(to, "%d %q\n", n.kind, n.text)
	for _, i := range n.items {
		i.whole(to)
	}
	for _, e := range n.keys {
		fmt.Fprintf(to, "%q:", e.key)
		e.value.whole(to)
	}
}

// Revised compares two texts of one book, each in a library of its own. What it answers reads like Diff.
func Revised(was, now *Library, id string) *Diff {
	a, b := was.Book(id), now.Book(id)
	to := map[string][]string{}
	for _, c := range a.Clauses {
		for _, o := range b.Clauses {
			if o.ID == c.ID {
				to[c.ID] = []string{o.ID}
			}
		}
	}
	d := &differ{a: was.written(a), b: now.written(b), to: to, lib: now, said: map[[2]string][]Words{}}
	d.books()
	return d.rows()
}
