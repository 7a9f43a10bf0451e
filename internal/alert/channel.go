package alert

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"zhanggui/internal/fault"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Kinds of channels.
var Kinds = []string{"mail", "wecom", "dingtalk", "feishu", webhook, push}

// maxChannels is how many a person may have.
const maxChannels = 8

// Channel is one way to reach a person.
type Channel struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	Shown string `json:"shown"` // where it leads, without what is secret
	// QuietFrom and QuietUntil are minutes of the day between which nothing is sent that no clause orders; equal = never quiet.
	QuietFrom  int    `json:"quiet_from"`
	QuietUntil int    `json:"quiet_until"`
	At         string `json:"at"`
}

// NewChannel is what somebody gives of one.
type NewChannel struct {
	Kind       string `json:"kind"`
	Address    string `json:"address"`
	Secret     string `json:"secret"`
	Key        string `json:"key"`  // of a browser: its public key
	Name       string `json:"name"` // of a browser: what its person knows it by
	QuietFrom  int    `json:"quiet_from"`
	QuietUntil int    `json:"quiet_until"`
}

// Mails tells whether mail can be sent at all.
func (s *Service) Mails() bool { return s.opts.SMTP != "" }

// Channels are those of a person, oldest first.
func (s *Service) Channels(ctx context.Context, person string) ([]Channel, error) {
	list := []Channel{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		list = list[:0]
		rows, err := channelsOf(tx, person)
		for _, r := range rows {
			list = append(list, channelOf(r))
		}
		return err
	})
	return list, err
}

func channelsOf(tx *store.Tx, person string) ([]store.Row, error) {
	return tx.Select(query.Select{Table: "alert_channel", Alias: "c", Order: []query.Order{{Expr: query.Col{Alias: "c", Name: "at"}}, {Expr: query.Col{Alias: "c", Name: "id"}}},
		Where: query.And(query.Eq("c", "person", person), query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "c", Name: "dropped_at"}}})})
}

func channelOf(r store.Row) Channel {
	from, _ := r["quiet_from"].(int64)
	until, _ := r["quiet_until"].(int64)
	return Channel{str(r["id"]), str(r["kind"]), str(r["shown"]), int(from), int(until), str(r["at"])}
}

// Add makes a channel of a person.
func (s *Service) Add(ctx context.Context, now time.Time, person string, n NewChannel) (Channel, error) {
	n.Address, n.Secret = strings.TrimSpace(n.Address), strings.TrimSpace(n.Secret)
	shown := n.Address
	switch {
	case !slices.Contains(Kinds, n.Kind):
		return Channel{}, fault.At("kind", "没有这种渠道", "There is no such channel")
	case n.QuietFrom < 0 || n.QuietFrom > 1439 || n.QuietUntil < 0 || n.QuietUntil > 1439:
		return Channel{}, fault.At("quiet_from", "免打扰时段不对", "The quiet hours are wrong")
	case strings.ContainsAny(n.Secret, "\r\n") || len(n.Secret) > 200:
		return Channel{}, fault.At("secret", "签名密钥不对", "The signing secret is wrong")
	case n.Kind == webhook && len(n.Secret) < 16:
		return Channel{}, fault.At("secret", "签名密钥至少 16 个字符", "The signing secret has at least 16 characters")
	case n.Kind == "mail":
		if !s.Mails() {
			return Channel{}, fault.At("kind", "本系统还没有设邮件服务器", "No mail server is set up here")
		}
		if _, err := oneAddress(n.Address); err != nil {
			return Channel{}, err
		}
	default:
		if err := s.guard.check(n.Address); err != nil {
			return Channel{}, err
		}
		u, _ := url.Parse(n.Address)
		shown = u.Hostname() // the rest is the key
	}
	if n.Kind == push {
		if err := checkPush(n.Key, n.Secret); err != nil {
			return Channel{}, err
		}
		if n.Name = strings.TrimSpace(n.Name); n.Name != "" && len(n.Name) <= 100 && strings.IndexFunc(n.Name, unicode.IsControl) < 0 {
			shown = n.Name
		}
		n.Secret += " " + n.Key
	}
	id, err := newID()
	if err != nil {
		return Channel{}, err
	}
	sealed, err := s.lock(ctx, now, id, target{n.Address, n.Secret})
	if err != nil {
		return Channel{}, err
	}
	row := store.Row{"id": id, "person": person, "kind": n.Kind, "sealed": sealed, "shown": shown, "at": instant(now), "quiet_from": int64(n.QuietFrom), "quiet_until": int64(n.QuietUntil)}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		have, err := channelsOf(tx, person)
		if err != nil {
			return err
		}
		if len(have) >= maxChannels {
			return fault.New(fault.Invalid, "渠道最多 8 个，先删一个", "There are 8 channels at most; drop one first")
		}
		return tx.Insert("alert_channel", row)
	})
	return channelOf(row), err
}

// Quiet sets a channel's quiet hours.
func (s *Service) Quiet(ctx context.Context, person, id string, from, until int) error {
	if from < 0 || from > 1439 || until < 0 || until > 1439 {
		return fault.At("quiet_from", "免打扰时段不对", "The quiet hours are wrong")
	}
	return s.own(ctx, person, id, func(tx *store.Tx) error {
		_, err := tx.Update("alert_channel", store.Row{"id": id}, store.Row{"quiet_from": int64(from), "quiet_until": int64(until)})
		return err
	})
}

// Drop ends a channel. What waits for it is not sent, and its secret is forgotten.
func (s *Service) Drop(ctx context.Context, now time.Time, person, id string) error {
	key := ""
	err := s.own(ctx, person, id, func(tx *store.Tx) error {
		row, err := tx.Get("alert_channel", id)
		if err != nil {
			return err
		}
		key = keep.KeyOf(str(row["sealed"]))
		if _, err := tx.Delete("outbox", query.Eq("d", "target", id)); err != nil {
			return err
		}
		_, err = tx.Update("alert_channel", store.Row{"id": id}, store.Row{"dropped_at": instant(now), "sealed": ""})
		return err
	})
	if err != nil || key == "" {
		return err
	}
	return s.keep.Destroy(ctx, []string{key}, now) // of the backups too
}

// Try sends a message to a channel now, through the same way out as every other.
func (s *Service) Try(ctx context.Context, now time.Time, person, id string) error {
	did, err := newID()
	if err != nil {
		return err
	}
	return s.own(ctx, person, id, func(tx *store.Tx) error {
		return put(tx, did, id, about{Person: person, Try: true}, now, now)
	})
}

// own does something to a channel if it is the person's and in use.
func (s *Service) own(ctx context.Context, person, id string, do func(tx *store.Tx) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		rows, err := channelsOf(tx, person)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(rows, func(r store.Row) bool { return str(r["id"]) == id }) {
			return fault.Missing("channel", id)
		}
		return do(tx)
	})
}
