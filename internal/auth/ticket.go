package auth

import (
	"encoding/json"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// A ticket is good for one step of something begun: the answer to a passkey's challenge, the return from single
// sign-on, a new password. It is stored as a digest, lives minutes, and opens once.

// issue makes a ticket of a kind. Person is whose it is, "" while nobody knows.
func (a *Auth) issue(tx *store.Tx, now time.Time, kind, person string, life time.Duration, data any) (string, error) {
	if _, err := tx.Delete("auth_ticket", before("ends_at", now)); err != nil {
		return "", err
	}
	b, err := json.Marshal(data)
	if err != nil {
		return "", err
	}
	token := secret()
	return token, tx.Insert("auth_ticket", store.Row{"id": digest(token), "kind": kind, "person": person,
		"ends_at": instant(now.Add(life)), "data": string(b)})
}

// redeem takes a ticket away and reads what it says; false if there is no such ticket any more. Of two who come at
// once one finds it.
func (a *Auth) redeem(tx *store.Tx, now time.Time, kind, token string, data any) (person string, ok bool, err error) {
	row, err := one(tx, "auth_ticket", "id", digest(token))
	if err != nil || row == nil || str(row["kind"]) != kind {
		return "", false, err
	}
	n, err := tx.Delete("auth_ticket", query.Eq("t", "id", row["id"]))
	if err != nil || n != 1 || !parse(row["ends_at"]).After(now) {
		return "", false, err
	}
	return str(row["person"]), true, json.Unmarshal([]byte(str(row["data"])), data)
}

// tear takes back the open tickets of a kind that a person holds.
func tear(tx *store.Tx, kind, person string) error {
	_, err := tx.Delete("auth_ticket", query.And(query.Eq("t", "kind", kind), query.Eq("t", "person", person)))
	return err
}
