package auth

import (
	"context"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// WallPrefix begins every link secret of a wall display.
const WallPrefix = "zgw_"

// WallLink opens one unit's wall board and nothing else. It stands for no person.
type WallLink struct {
	ID, Unit, Name, By string
	At, Last           time.Time
}

// CreateWallLink makes a link for a display of a unit. The secret is answered once and stored as a digest.
func (a *Auth) CreateWallLink(ctx context.Context, now time.Time, by, unit, name string) (WallLink, string, error) {
	if strings.TrimSpace(name) == "" {
		return WallLink{}, "", fault.At("name", "请写明屏幕挂在哪里", "Say where the display hangs")
	}
	l := WallLink{ID: shortID(), Unit: unit, Name: clip(strings.TrimSpace(name), 60), By: by, At: now}
	token := WallPrefix + secret()
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Insert("auth_wall", store.Row{"id": l.ID, "token_hash": digest(token), "unit": unit, "name": l.Name, "created_by": by, "created_at": instant(now)})
	})
	return l, token, err
}

// CheckWallLink tells which display asks, now.
func (a *Auth) CheckWallLink(ctx context.Context, now time.Time, token string) (WallLink, error) {
	if !strings.HasPrefix(token, WallPrefix) {
		return WallLink{}, unauthenticated()
	}
	row, err := read(ctx, a.db, func(tx *store.Tx) (store.Row, error) { return one(tx, "auth_wall", "token_hash", digest(token)) })
	if err != nil {
		return WallLink{}, err
	}
	if row == nil {
		return WallLink{}, unauthenticated()
	}
	l := wallLink(row)
	if now.Sub(l.Last) >= time.Minute {
		err = a.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Update("auth_wall", store.Row{"id": l.ID}, store.Row{"last_at": instant(now)})
			return err
		})
	}
	return l, err
}

// WallLinks are the links that stand, the newest first.
func (a *Auth) WallLinks(ctx context.Context) ([]WallLink, error) {
	return read(ctx, a.db, func(tx *store.Tx) ([]WallLink, error) {
		rows, err := tx.Select(query.Select{Table: "auth_wall", Alias: "t",
			Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "created_at"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
		var list []WallLink
		for _, r := range rows {
			list = append(list, wallLink(r))
		}
		return list, err
	})
}

// EndWallLink ends a link: its display shows nothing from the next question on.
func (a *Auth) EndWallLink(ctx context.Context, id string) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Delete("auth_wall", query.Eq("t", "id", id))
		if err == nil && n == 0 {
			err = fault.Missing("wall", id)
		}
		return err
	})
}

func wallLink(r store.Row) WallLink {
	return WallLink{ID: str(r["id"]), Unit: str(r["unit"]), Name: str(r["name"]), By: str(r["created_by"]), At: parse(r["created_at"]), Last: parse(r["last_at"])}
}
