package auth

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Kinds of second factor.
const (
	kindCode     = "totp"
	kindPasskey  = "passkey"
	kindRecovery = "recovery"
)

// Factor is one second factor of a person.
type Factor struct {
	ID, Kind, Name string
	At, Last       time.Time
	Left           int  // recovery codes not yet used
	Confirmed      bool // false: begun and not finished, it opens nothing
}

// Factors shows the second factors of a person, and by when he must have one (zero = no demand, or met).
func (a *Auth) Factors(ctx context.Context, now time.Time, person string) (list []Factor, by time.Time, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		list = nil
		rows, err := a.factors(tx, person)
		if err != nil {
			return err
		}
		for _, r := range rows {
			f := Factor{ID: str(r["id"]), Kind: str(r["kind"]), Name: str(r["name"]), At: parse(r["created_at"]), Last: parse(r["last_at"]), Confirmed: confirmed(r)}
			if f.Kind == kindRecovery {
				f.Left = len(digests(r))
			}
			list = append(list, f)
		}
		account, who, err := a.holder(tx, now, person)
		if err == nil {
			by, err = a.dueBy(tx, now, who, account)
		}
		return err
	})
	return list, by, err
}

func (a *Auth) factors(tx *store.Tx, person string) ([]store.Row, error) {
	return tx.Select(query.Select{Table: "auth_factor", Alias: "t", Where: query.Eq("t", "person", person),
		Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "kind"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "created_at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
}

func confirmed(r store.Row) bool { return !parse(r["confirmed_at"]).IsZero() }

func digests(r store.Row) []string {
	var list []string
	_ = json.Unmarshal([]byte(str(r["secret"])), &list)
	return list
}

// means are the ways in which somebody can give a second factor; none if he has none. Recovery codes alone are
// no factor: they stand in for one.
func (a *Auth) means(tx *store.Tx, person string) ([]string, error) {
	rows, err := a.factors(tx, person)
	var list []string
	real := false
	for _, r := range rows {
		kind := str(r["kind"])
		if !confirmed(r) || slices.Contains(list, kind) || kind == kindPasskey && a.keys == nil {
			continue
		}
		list = append(list, kind)
		real = real || kind != kindRecovery
	}
	if !real {
		return nil, err
	}
	return list, err
}

// dueBy is when somebody must have a second factor; zero if none is demanded of him, or he has one.
func (a *Auth) dueBy(tx *store.Tx, now time.Time, who Person, account store.Row) (time.Time, error) {
	if a.opts.Second == Nobody || a.opts.Second == Officers && !who.Officer || who.ID == "" {
		return time.Time{}, nil
	}
	have, err := a.means(tx, who.ID)
	if err != nil || len(have) > 0 {
		return time.Time{}, err
	}
	if due := parse(account["second_due"]); !due.IsZero() {
		return due, nil
	}
	return now.Add(max(a.opts.Grace, 0)), nil
}

// Enrolment is what an authenticator app needs, shown once.
type Enrolment struct {
	Secret string // as one types it
	URI    string // as the QR code says it
	Image  string // the QR code, SVG
}

// EnrolCode begins one-time codes; they count after ConfirmCode. What was begun before is replaced.
func (a *Auth) EnrolCode(ctx context.Context, now time.Time, person string) (Enrolment, error) {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw)
	sealed, err := a.seal(person, raw)
	if err != nil {
		return Enrolment{}, err
	}
	var who Person
	err = a.db.Write(ctx, func(tx *store.Tx) (err error) {
		if who, err = a.dir.ByID(tx, now, person); err != nil {
			return err
		}
		rows, err := a.factors(tx, person)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if str(r["kind"]) == kindCode && !confirmed(r) {
				if _, err := tx.Delete("auth_factor", query.Eq("t", "id", r["id"])); err != nil {
					return err
				}
			}
		}
		return tx.Insert("auth_factor", store.Row{"id": shortID(), "person": person, "kind": kindCode, "secret": sealed, "created_at": instant(now), "step": int64(0)})
	})
	if err != nil {
		return Enrolment{}, err
	}
	company := a.opts.Company
	if company == "" {
		company = "Zhanggui"
	}
	e := Enrolment{Secret: plain32.EncodeToString(raw), URI: codeURI(raw, company, who.Account)}
	e.Image, err = drawn(e.URI)
	return e, err
}

// ConfirmCode finishes EnrolCode with a first code. It replaces the app enrolled before, and ends the other
// sessions and the tokens of the person; keep goes on.
func (a *Auth) ConfirmCode(ctx context.Context, now time.Time, person, keep, code string) error {
	right := false
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		right = false
		if _, err := a.tryFactor(tx, now, person); err != nil {
			return err
		}
		rows, err := a.factors(tx, person)
		if err != nil {
			return err
		}
		var begun store.Row
		for _, r := range rows {
			if str(r["kind"]) == kindCode && !confirmed(r) {
				begun = r
			}
		}
		if begun == nil {
			return fault.At("code", "请先扫码", "Scan the code first")
		}
		secret, err := a.unseal(person, str(begun["secret"]))
		if err != nil {
			return err
		}
		step := codeStepOf(secret, tidy(code), a.watch(now), 0)
		if step == 0 {
			return nil
		}
		right = true
		for _, r := range rows {
			if str(r["kind"]) == kindCode && confirmed(r) {
				if _, err := tx.Delete("auth_factor", query.Eq("t", "id", r["id"])); err != nil {
					return err
				}
			}
		}
		if _, err := tx.Update("auth_factor", store.Row{"id": begun["id"]}, store.Row{"confirmed_at": instant(now), "step": step}); err != nil {
			return err
		}
		if _, err := tx.Delete("auth_attempt", query.Eq("t", "id", factorCounter(person))); err != nil {
			return err
		}
		return a.factorChanged(tx, person, keep)
	})
	if err == nil && !right {
		err = fault.At("code", "口令不对，请看手机上现在的六位数字", "The code is wrong; type the six digits your telephone shows now")
	}
	return err
}

// NewRecovery makes ten recovery codes, shown once. Until one of them is typed (ConfirmRecovery) those made
// before go on.
func (a *Auth) NewRecovery(ctx context.Context, now time.Time, person string) ([]string, error) {
	codes := recoveryCodes()
	list := make([]string, len(codes))
	for i, c := range codes {
		list[i] = recoveryDigest(person, c)
	}
	kept, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	return codes, a.db.Write(ctx, func(tx *store.Tx) error {
		rows, err := a.factors(tx, person)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if str(r["kind"]) == kindRecovery && !confirmed(r) {
				if _, err := tx.Delete("auth_factor", query.Eq("t", "id", r["id"])); err != nil {
					return err
				}
			}
		}
		return tx.Insert("auth_factor", store.Row{"id": shortID(), "person": person, "kind": kindRecovery, "secret": string(kept), "created_at": instant(now), "step": int64(0)})
	})
}

// ConfirmRecovery takes new recovery codes into use after one of them was typed: a proof that they were written
// down. The one that was typed stays good.
func (a *Auth) ConfirmRecovery(ctx context.Context, now time.Time, person, code string) error {
	right := false
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		right = false
		rows, err := a.factors(tx, person)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if str(r["kind"]) == kindRecovery && !confirmed(r) && slices.Contains(digests(r), recoveryDigest(person, code)) {
				right = true
				if _, err := tx.Update("auth_factor", store.Row{"id": r["id"]}, store.Row{"confirmed_at": instant(now)}); err != nil {
					return err
				}
			}
		}
		for _, r := range rows {
			if right && str(r["kind"]) == kindRecovery && confirmed(r) {
				if _, err := tx.Delete("auth_factor", query.Eq("t", "id", r["id"])); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil && !right {
		err = fault.At("code", "这不是刚才给出的恢复码", "That is none of the recovery codes just shown")
	}
	return err
}

// RemoveFactor takes one second factor away. The last one stays where the house demands one.
func (a *Auth) RemoveFactor(ctx context.Context, now time.Time, person, keep, id string) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Delete("auth_factor", query.And(query.Eq("t", "id", id), query.Eq("t", "person", person)))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing("factor", id)
		}
		account, who, err := a.holder(tx, now, person)
		if err != nil {
			return err
		}
		if due, err := a.dueBy(tx, now, who, account); err != nil || !due.IsZero() {
			if err == nil {
				err = fault.New(fault.Conflict, "你的岗位必须有第二因素，请先加一个新的再去掉这个", "Your role needs a second factor; add another before you remove this one")
			}
			return err
		}
		return a.factorChanged(tx, person, keep)
	})
}

// ForgetFactors takes away all second factors of somebody who lost them. Who asks for it has proved who he is to
// somebody else; from the next sign-in the time to enrol anew runs.
func (a *Auth) ForgetFactors(ctx context.Context, person string) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Delete("auth_factor", query.Eq("t", "person", person)); err != nil {
			return err
		}
		if _, err := tx.Update("auth_account", store.Row{"person": person}, store.Row{"second_due": nil}); err != nil {
			return err
		}
		return a.factorChanged(tx, person, "")
	})
}

// factorChanged ends what the old factors had opened.
func (a *Auth) factorChanged(tx *store.Tx, person, keep string) error {
	if err := endAll(tx, person, keep); err != nil {
		return err
	}
	_, err := tx.Delete("auth_token", query.Eq("t", "person", person))
	return err
}

// tryFactor counts a try at a second factor of a person, whichever session it comes from.
func (a *Auth) tryFactor(tx *store.Tx, now time.Time, person string) (left int, err error) {
	id := factorCounter(person)
	if err := tx.Lock("auth " + id); err != nil {
		return 0, err
	}
	return a.count(tx, now, id, a.opts.Tries)
}

func factorCounter(person string) string { return "second:" + digest(person)[:32] }

// useCode tells whether a code opens, and uses it up. The try has been counted.
func (a *Auth) useCode(tx *store.Tx, now time.Time, person, code string) (bool, error) {
	rows, err := a.factors(tx, person)
	if err != nil {
		return false, err
	}
	set := func(r store.Row, set store.Row) error {
		set["last_at"] = instant(now)
		if _, err := tx.Update("auth_factor", store.Row{"id": r["id"]}, set); err != nil {
			return err
		}
		_, err := tx.Delete("auth_attempt", query.Eq("t", "id", factorCounter(person)))
		return err
	}
	for _, r := range rows {
		switch kind := str(r["kind"]); {
		case !confirmed(r):
		case kind == kindCode:
			secret, err := a.unseal(person, str(r["secret"]))
			if err != nil {
				return false, err
			}
			used, _ := r["step"].(int64)
			if step := codeStepOf(secret, tidy(code), a.watch(now), used); step > 0 {
				return true, set(r, store.Row{"step": step})
			}
		case kind == kindRecovery:
			list := digests(r)
			at := slices.Index(list, recoveryDigest(person, code))
			if at < 0 {
				continue
			}
			rest, err := json.Marshal(slices.Delete(list, at, at+1))
			if err != nil {
				return false, err
			}
			return true, set(r, store.Row{"secret": string(rest)})
		}
	}
	return false, nil
}

func (a *Auth) wrongCode(now time.Time, left int) error {
	if left <= 0 {
		return a.locked(now.Add(a.opts.LockFor))
	}
	return fault.Wrap(fault.Unauthenticated, &Wrong{left}, fmt.Sprintf("口令不对，还可试 %d 次", left), fmt.Sprintf("Wrong code; %d tries left", left))
}

// watch is the time on people's own telephones.
func (a *Auth) watch(now time.Time) time.Time {
	if a.opts.Watch != nil {
		return a.opts.Watch()
	}
	return now
}

// tidy takes the blanks out of a code as apps show it.
func tidy(code string) string { return strings.Join(strings.Fields(code), "") }
