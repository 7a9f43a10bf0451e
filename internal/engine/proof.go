package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Prover takes away the proof that the actor gave for exactly what of names, and answers how he gave it, for the journal. It runs
// in the act's transaction, so a proof is used by the act that is committed and by no other. Its error is of kind Stale while
// there is none.
type Prover func(tx *store.Tx, of string) (how map[string]any, err error)

// Unproved stands in the chain of a Stale error of an act that wants a proof of its own.
type Unproved struct {
	Of   string // what the proof must be given for: the decision, a dot, the digest of its content; hexadecimal
	What Text   // the decision in words
	Why  error  // what the prover says
}

func (u *Unproved) Unwrap() error { return u.Why }

func (u *Unproved) Error() string { return "no proof was given for " + u.Of }

// mayWantProof tells whether an act wants a proof given for it alone, or does so where a signature comes of it.
func (w *work) mayWantProof(a *rulebook.Action) bool {
	return a.Each || w.e.opts.ProveSignatures && a.By != nil &&
		slices.ContainsFunc(a.By.Items, func(item *rulebook.WhoItem) bool { return item.Approval != "" })
}

// signedOf names what a person puts his name under: which decision it is, and a digest of the record as it stands before the act
// (fields, lines, state, text of the regulation) and of all that is asked. It is the same until one of them changes.
func (w *work) signedOf(r *Record, act Act) string {
	decision := sha256.Sum256([]byte(act.Form + "\x00" + act.Record + "\x00" + act.Action))
	b, _ := json.Marshal([]string{act.Actor.Person, act.Form, act.Record, act.Action, r.form.Book.ID, r.form.Book.Version, r.State(), w.contentHash(r), w.e.actHash(act)})
	content := sha256.Sum256(b)
	return hex.EncodeToString(decision[:16]) + "." + hex.EncodeToString(content[:])
}

// proved asks for the proof of a decision and uses it up.
func (w *work) proved(r *Record, a *rulebook.Action, act Act, of string) error {
	how, err := act.Actor.Prove(w.tx, of)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Stale {
		what := first(r.Number(), w.title(r))
		return &fault.Error{Kind: fault.Stale, ZH: f.ZH, EN: f.EN, Err: &Unproved{Of: of, Why: f.Err, What: Text{
			ZH: a.Label.ZH + "：" + r.form.Label.ZH + " " + what, EN: a.Label.EN + ": " + r.form.Label.EN + " " + what}}}
	}
	if err == nil && how != nil {
		how["of"] = of
		w.proof = how
	}
	return err
}
