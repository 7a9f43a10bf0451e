package rulebook

// Beneath makes an earlier text of a book fit to be read beside the one in force now: who may see what is always said by the present
// text. It changes the earlier library, which must not be in use yet.
func Beneath(earlier, now *Library, id string) {
	was, is := earlier.Book(id), now.Book(id)
	if was == nil || is == nil {
		return
	}
	for _, f := range was.Forms {
		g := now.Forms[f.Key]
		if g == nil {
			continue
		}
		f.Class = g.Class
		seenAs(f.Fields, g.Field)
		for _, l := range f.Lines {
			if m := g.Line(l.ID); m != nil {
				seenAs(l.Fields, m.Field)
			}
		}
	}
}

// seenAs gives fields the classes that they have now. What another rulebook adds is compiled with either library and says the same.
func seenAs(fields []*Field, now func(string) *Field) {
	for _, f := range fields {
		if g := now(f.ID); g != nil && !f.Added && !g.Added {
			f.Class, f.Personal = g.Class, g.Personal
		}
	}
}
