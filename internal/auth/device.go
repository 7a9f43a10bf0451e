package auth

import (
	"context"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// DeviceFor is how long a browser counts as known after its last sign-in.
const DeviceFor = 400 * 24 * time.Hour

// Device notes from which browser somebody signed in. The browser keeps a secret that says nothing but "I was here before";
// it opens nothing. The answer is the secret to keep, and whether this person, who has signed in before, is new on it.
func (a *Auth) Device(ctx context.Context, now time.Time, person, kept string) (token string, strange bool, err error) {
	if len(kept) > 128 {
		kept = ""
	}
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		token, strange = kept, false
		if _, err := tx.Delete("auth_device", before("last_at", now.Add(-DeviceFor))); err != nil {
			return err
		}
		if token == "" {
			token = secret()
		}
		id := digest(token + "|" + person) // one browser may be several people's
		n, err := tx.Update("auth_device", store.Row{"id": id, "person": person}, store.Row{"last_at": instant(now)})
		if err != nil || n > 0 {
			return err
		}
		others, err := tx.Count("auth_device", query.Eq("t", "person", person))
		if err != nil {
			return err
		}
		strange = others > 0
		return tx.Insert("auth_device", store.Row{"id": id, "person": person, "at": instant(now), "last_at": instant(now)})
	})
	return token, strange, err
}
