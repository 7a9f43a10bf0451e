package auth

import (
	"context"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// LinkPrefix begins every secret of a link by which somebody without an account does one action.
const LinkPrefix = "zgl_"

// Link is for one action of one record, until it ends. It stands for no person.
type Link struct {
	ID, Form, Record, Action string
	Ends                     time.Time
}

// CreateLink makes the link for an action of a record. The secret is answered once and stored as a digest; a link that was there for the
// same is worth nothing from then on.
func (a *Auth) CreateLink(ctx context.Context, now time.Time, by string, l Link) (string, error) {
	token := LinkPrefix + secret()
	return token, a.KeepLink(ctx, now, token, by, l)
}

// KeepLink is CreateLink with a secret that its caller worked out: 256 bits after LinkPrefix. Kept again it is the same link. With by empty
// the house gave it, and it ends with nobody's account.
func (a *Auth) KeepLink(ctx context.Context, now time.Time, token, by string, l Link) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		same := query.And(query.Eq("t", "form", l.Form), query.Eq("t", "record", l.Record), query.Eq("t", "action", l.Action))
		over := query.Op{Name: "<", Args: []query.Expr{query.Col{Alias: "t", Name: "ends_at"}, query.Const{Value: instant(now)}}}
		if _, err := tx.Delete("auth_link", query.Op{Name: "or", Args: []query.Expr{same, over}}); err != nil {
			return err
		}
		return tx.Insert("auth_link", store.Row{"id": shortID(), "token_hash": digest(token), "form": l.Form, "record": l.Record, "action": l.Action,
			"created_by": by, "created_at": instant(now), "ends_at": instant(l.Ends)})
	})
}

// CheckLink tells what a link is for, now. One that never was, one that has ended and one that was replaced are answered alike, as is none.
func (a *Auth) CheckLink(ctx context.Context, now time.Time, token string) (Link, error) {
	no := fault.New(fault.Unauthenticated, "这个链接不对或不完整，或者已经交过、过期、换了新的", "This link is not right or not whole, was used, has ended, or was replaced by a new one")
	if !strings.HasPrefix(token, LinkPrefix) || len(token) > 100 {
		return Link{}, no
	}
	row, err := read(ctx, a.db, func(tx *store.Tx) (store.Row, error) { return one(tx, "auth_link", "token_hash", digest(token)) })
	if err != nil {
		return Link{}, err
	}
	l := Link{ID: str(row["id"]), Form: str(row["form"]), Record: str(row["record"]), Action: str(row["action"]), Ends: parse(row["ends_at"])}
	if row == nil || !now.Before(l.Ends) {
		return Link{}, no
	}
	if str(row["created_by"]) == "" {
		return l, nil
	}
	// Who gave it answers for it: it ends with him.
	gone, err := read(ctx, a.db, func(tx *store.Tx) (bool, error) {
		account, who, err := a.holder(tx, now, str(row["created_by"]))
		return err == nil && closed(who, account, now), err
	})
	if err == nil && gone {
		err = no
	}
	if err != nil {
		return Link{}, err
	}
	return l, nil
}
