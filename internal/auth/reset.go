package auth

import (
	"context"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/store"
)

// maxReset is the longest a link for a new password may be used.
const maxReset = 15 * time.Minute

const ticketReset = "reset"

// resetFor is what a link is bound to: an account that is renamed, or whose addresses change, has another.
type resetFor struct {
	Account string `json:"account"`
	Words   string `json:"words"`
}

func boundTo(who Person) resetFor {
	all := ""
	for _, w := range who.Words {
		all += w + "\x00"
	}
	return resetFor{fold(who.Account), digest(all)}
}

// NewReset makes a secret with which somebody chooses a new password himself, once and soon. One made before is void.
// Nothing of the account changes until then: who asks for another's reset cannot shut him out.
func (a *Auth) NewReset(ctx context.Context, now time.Time, person string) (token string, until time.Time, err error) {
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		who, err := a.dir.ByID(tx, now, person)
		if err != nil {
			return err
		}
		if who.ID == "" || !who.Active {
			return fault.Missing("person", person)
		}
		if err := tear(tx, ticketReset, person); err != nil {
			return err
		}
		token, err = a.issue(tx, now, ticketReset, person, a.opts.Reset, boundTo(who))
		return err
	})
	return token, now.Add(a.opts.Reset), err
}

// ResetLink is where a secret of NewReset is used. The secret stands behind the #, which browsers do not send and
// proxies do not log. The address is the configured one; without one it is a path.
func (a *Auth) ResetLink(token string) string { return a.opts.Base + "/reset#" + token }

// Reset chooses a new password by a secret of NewReset. It signs nobody in: the second factor is asked for as ever.
func (a *Auth) Reset(ctx context.Context, now time.Time, token, password string) (person string, err error) {
	void := func() error {
		return fault.At("token", "这个链接已用过或过期了，请找管理员要一个新的", "This link was used or has lapsed; ask an administrator for another")
	}
	row, err := read(ctx, a.db, func(tx *store.Tx) (store.Row, error) { return one(tx, "auth_ticket", "id", digest(token)) })
	if err != nil {
		return "", err
	}
	person = str(row["person"])
	if str(row["kind"]) != ticketReset || !parse(row["ends_at"]).After(now) {
		return "", void()
	}
	// The secret is taken with the password stored: one that breaks a rule does not cost it, and of two who use it at
	// once one wins.
	return person, a.put(ctx, now, person, password, "", false, func(tx *store.Tx) error {
		var bound resetFor
		_, ok, err := a.redeem(tx, now, ticketReset, token, &bound)
		if err != nil {
			return err
		}
		who, err := a.dir.ByID(tx, now, person)
		if err == nil && (!ok || !who.Active || bound != boundTo(who)) {
			err = void()
		}
		return err
	})
}
