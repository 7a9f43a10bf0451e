package rulebook

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// renaming is what rename: of a variant says: units and other things that are called otherwise where it applies.
type renaming []*renamed

type renamed struct {
	entry  *entry
	zh, en string // what the base calls it; en may be ""
	toZH   string
	toEN   string
	seen   bool
}

// renaming reads `质量管理部 | Quality: 品管部 | QC`, the longest name first, so that a name within another does not break it.
func (c *book) renaming(base *book) renaming {
	var list renaming
	for _, e := range c.src.elements["rename"] {
		if !e.value.isText() {
			c.r.errorf(e.value.pos, "rename: a name is a text 中文 | English, not %s", e.value.what())
			continue
		}
		x := &renamed{entry: e}
		x.zh, x.en, _ = strings.Cut(e.key, " | ")
		x.toZH, x.toEN, _ = strings.Cut(e.value.text, " | ")
		if (x.en == "") != (x.toEN == "") {
			c.r.errorf(e.pos, "rename: %s has an English half on one side only; write 中文 | English: 中文 | English", e.key)
		}
		list = append(list, x)
	}
	slices.SortStableFunc(list, func(a, b *renamed) int { return cmp.Compare(len(b.zh), len(a.zh)) })
	return list
}

func (l renaming) report(r *reporter) {
	for _, x := range l {
		if !x.seen {
			r.errorf(x.entry.pos, "rename: nothing in the extended rulebook says %s", x.entry.key)
		}
	}
}

// rename changes the names in every text below n: what is written 中文 | English, and what stands under a key that holds a text.
func (l renaming) rename(n *node, text bool) {
	if len(l) == 0 {
		return
	}
	switch zh, en, both := strings.Cut(n.text, " | "); {
	case n.isText() && both:
		n.text = l.half(zh, func(x *renamed) (string, string) { return x.zh, x.toZH }) + " | " +
			l.half(en, func(x *renamed) (string, string) { return x.en, x.toEN })
	case n.isText() && text:
		n.text = l.half(n.text, func(x *renamed) (string, string) { return x.zh, x.toZH })
	}
	for _, i := range n.items {
		l.rename(i, text)
	}
	for _, e := range n.keys {
		l.rename(e.value, textKeys[e.key])
	}
}

// textKeys are the keys whose scalar is read by people.
var textKeys = map[string]bool{"label": true, "say": true, "text": true, "note": true, "hint": true, "stamp": true, "mark": true, "evidence": true}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// half replaces names in one language, each place once, and leaves the {paths} of messages alone.
func (l renaming) half(text string, of func(*renamed) (string, string)) string {
	var alternatives []string
	to := map[string]*renamed{}
	for _, x := range l {
		from, _ := of(x)
		if from == "" || !strings.Contains(text, from) {
			continue
		}
		q := regexp.QuoteMeta(from)
		if from[0] < 0x80 {
			q = `\b` + q + `\b`
		}
		alternatives = append(alternatives, q)
		to[from] = x
	}
	if len(alternatives) == 0 {
		return text
	}
	all := regexp.MustCompile(placeholder.String() + "|" + strings.Join(alternatives, "|"))
	return all.ReplaceAllStringFunc(text, func(m string) string {
		x := to[m]
		if x == nil {
			return m
		}
		x.seen = true
		_, name := of(x)
		return name
	})
}
