package auth

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Prefix begins every machine token, so that scanners of public code find a leaked one.
const Prefix = "zgt_"

// maxTokenAge is the longest a machine token may live.
const maxTokenAge = 180 * 24 * time.Hour

// Token is a machine's way in. It acts as one person, within its scope.
type Token struct {
	ID, Person, Name string
	Scope            []string // what it may do; the meaning of the words is the API's
	At, Ends, Last   time.Time
	Address          string   // of the last use
	Places           []string // addresses it may be used from, "10.2.0.0/16"; none = any
}

// CreateToken makes a machine token. The secret is answered once and stored as a digest.
func (a *Auth) CreateToken(ctx context.Context, now time.Time, person, name string, scope, from []string, ends time.Time) (Token, string, error) {
	for i, p := range from {
		net, err := netip.ParsePrefix(p)
		if err != nil {
			one, bad := netip.ParseAddr(p)
			if bad != nil {
				return Token{}, "", fault.At("places", "地址要写成 10.2.3.4 或 10.2.0.0/16", "Write an address as 10.2.3.4 or 10.2.0.0/16")
			}
			net = netip.PrefixFrom(one, one.BitLen())
		}
		from[i] = net.Masked().String()
	}
	switch {
	case strings.TrimSpace(name) == "":
		return Token{}, "", fault.At("name", "请写明令牌给谁用", "Say who will use the token")
	case len(scope) == 0:
		return Token{}, "", fault.At("scope", "请选令牌可以做什么", "Choose what the token may do")
	case !ends.After(now) || ends.After(now.Add(maxTokenAge)):
		return Token{}, "", fault.At("ends", "有效期最长 180 天", "A token lives 180 days at most")
	}
	t := Token{ID: shortID(), Person: person, Name: name, Scope: scope, Places: from, At: now, Ends: ends}
	token := Prefix + secret()
	list, err := json.Marshal(scope)
	if err != nil {
		return Token{}, "", err
	}
	allowed, err := json.Marshal(from)
	if err != nil {
		return Token{}, "", err
	}
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		account, who, err := a.holder(tx, now, person)
		if err != nil {
			return err
		}
		if account == nil || closed(who, account, now) {
			return fault.Missing("person", person)
		}
		return tx.Insert("auth_token", store.Row{"id": t.ID, "token_hash": digest(token), "person": person, "name": name,
			"scope": string(list), "places": string(allowed), "created_at": instant(now), "ends_at": instant(ends)})
	})
	return t, token, err
}

// CheckToken tells who holds a machine token, now.
func (a *Auth) CheckToken(ctx context.Context, now time.Time, token, address string) (Principal, error) {
	if !strings.HasPrefix(token, Prefix) {
		return Principal{}, unauthenticated()
	}
	var row store.Row
	p, err := read(ctx, a.db, func(tx *store.Tx) (p Principal, err error) {
		row, err = one(tx, "auth_token", "token_hash", digest(token))
		if err != nil || row == nil || !parse(row["ends_at"]).After(now) {
			return p, err
		}
		account, who, err := a.holder(tx, now, str(row["person"]))
		if err != nil || account == nil {
			return p, err
		}
		if closed(who, account, now) || a.mustChange(account, now) || !within(address, places(row)) {
			return p, nil
		}
		p = Principal{Person: who.ID, Token: str(row["id"]), Stale: a.opts.Fresh > 0}
		return p, json.Unmarshal([]byte(str(row["scope"])), &p.Scope)
	})
	if err != nil {
		return Principal{}, err
	}
	if p.Person == "" {
		return Principal{}, unauthenticated()
	}
	if now.Sub(parse(row["last_at"])) >= time.Minute || str(row["last_address"]) != address {
		err = a.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Update("auth_token", store.Row{"id": p.Token}, store.Row{"last_at": instant(now), "last_address": address})
			return err
		})
	}
	return p, err
}

func places(row store.Row) []string {
	var list []string
	_ = json.Unmarshal([]byte(str(row["places"])), &list)
	return list
}

// within tells whether an address is one of those allowed.
func within(address string, allowed []string) bool {
	if len(allowed) == 0 {
		return true
	}
	at, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(allowed, func(s string) bool {
		p, err := netip.ParsePrefix(s)
		return err == nil && p.Contains(at.Unmap())
	})
}

// Tokens shows the machine tokens of a person, also those past their end.
func (a *Auth) Tokens(ctx context.Context, person string) ([]Token, error) {
	return read(ctx, a.db, func(tx *store.Tx) ([]Token, error) {
		rows, err := tx.Select(query.Select{Table: "auth_token", Alias: "t", Where: query.Eq("t", "person", person),
			Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "created_at"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
		var list []Token
		for _, r := range rows {
			t := Token{ID: str(r["id"]), Person: person, Name: str(r["name"]), At: parse(r["created_at"]), Ends: parse(r["ends_at"]),
				Last: parse(r["last_at"]), Address: str(r["last_address"]), Places: places(r)}
			_ = json.Unmarshal([]byte(str(r["scope"])), &t.Scope)
			list = append(list, t)
		}
		return list, err
	})
}

// EndToken ends a machine token of a person.
func (a *Auth) EndToken(ctx context.Context, person, id string) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Delete("auth_token", query.And(query.Eq("t", "id", id), query.Eq("t", "person", person)))
		if err == nil && n == 0 {
			err = fault.Missing("token", id)
		}
		return err
	})
}
