package rulebook

// Form is a form by its key, nil if there is none.
func (l *Library) Form(key string) *Form { return l.Forms[key] }

// Book is a rulebook by its id, nil if there is none.
func (l *Library) Book(id string) *Book {
	for _, b := range l.Books {
		if b.ID == id {
			return b
		}
	}
	return nil
}

// Clause is a clause of any rulebook with the book that tells it.
func (l *Library) Clause(id string) (*Book, *Clause) {
	for _, b := range l.Books {
		if c := b.Clause(id); c != nil {
			return b, c
		}
	}
	return nil, nil
}

// Field is a field of the form by id, nil if there is none; Line, State, Action and Deadline likewise.
func (f *Form) Field(id string) *Field       { return f.field[id] }
func (f *Form) Line(id string) *Line         { return f.line[id] }
func (f *Form) State(id string) *State       { return f.state[id] }
func (f *Form) Action(id string) *Action     { return f.action[id] }
func (f *Form) Deadline(id string) *Deadline { return f.dead[id] }

// Field is a column of the child table by id.
func (l *Line) Field(id string) *Field { return l.field[id] }

// first is the first of a list that fits.
func first[T any](list []*T, fits func(*T) bool) *T {
	for _, x := range list {
		if fits(x) {
			return x
		}
	}
	return nil
}

// Clause is a clause of the book by id, nil if there is none; the others likewise.
func (b *Book) Clause(id string) *Clause {
	return first(b.Clauses, func(x *Clause) bool { return x.ID == id })
}
func (b *Book) Parameter(id string) *Parameter {
	return first(b.Parameters, func(x *Parameter) bool { return x.ID == id })
}
func (b *Book) Role(id string) *Role {
	return first(b.Roles, func(x *Role) bool { return x.ID == id })
}
func (b *Book) Form(id string) *Form {
	return first(b.Forms, func(x *Form) bool { return x.ID == id })
}
func (b *Book) Duty(id string) *Duty {
	return first(b.Duties, func(x *Duty) bool { return x.ID == id })
}
func (b *Book) Approval(id string) *Approval {
	return first(b.Approvals, func(x *Approval) bool { return x.ID == id })
}
func (b *Book) Quota(id string) *Quota {
	return first(b.Quotas, func(x *Quota) bool { return x.ID == id })
}
func (b *Book) Ranking(id string) *Ranking {
	return first(b.Rankings, func(x *Ranking) bool { return x.ID == id })
}
func (b *Book) Gate(id string) *Gate {
	return first(b.Gates, func(x *Gate) bool { return x.ID == id })
}
func (b *Book) Offence(id string) *Offence {
	return first(b.Offences, func(x *Offence) bool { return x.ID == id })
}
func (b *Book) Checklist(id string) *Checklist {
	return first(b.Checklists, func(x *Checklist) bool { return x.ID == id })
}
func (b *Book) Ledger(id string) *Ledger {
	return first(b.Ledgers, func(x *Ledger) bool { return x.ID == id })
}
func (b *Book) Report(id string) *Report {
	return first(b.Reports, func(x *Report) bool { return x.ID == id })
}
func (b *Book) Class(id string) *Class {
	return first(b.Classes, func(x *Class) bool { return x.ID == id })
}
func (b *Book) Retention(id string) *Retention {
	return first(b.Retentions, func(x *Retention) bool { return x.ID == id })
}
