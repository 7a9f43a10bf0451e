// Package alert carries notices out of the house, to where a person is now: his browsers, mail and the chat robots of WeCom, DingTalk
// and Feishu. The engine writes an outbox row in the transaction of the act that tells; this package hands it to each channel of the
// person, at least once and always under the same delivery id, tries again for hours, and shows the administrator what it could
// not deliver. Only a number, a time and a link leave, but for letters that a rulebook writes to people outside. It knows store, keep, query and fault; time is an argument.
package alert

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"zhanggui/internal/keep"
	"zhanggui/internal/store"
)

// House answers what the package may not know by itself.
type House interface {
	// Alert is what may leave of a notice about a record, or with no form of one about none, by the rights of its reader now; ok is false if nothing may.
	Alert(ctx context.Context, now time.Time, person, form, record string) (a Notice, ok bool, err error)
}

// Notice is what leaves the house of one notice.
type Notice struct {
	Number string    // of the record
	Due    time.Time // when its nearest limit ends; zero = none
	Link   string    // to the record's page; "" where the installation does not know its own address
	EN     bool      // in English
}

// Options are the settings of an installation.
type Options struct {
	URL      string         // where browsers reach it, "https://crm.example.cn"; "" = alerts carry no link
	SMTP     string         // "host:port" of the mail server; "" = no mail
	User     string         // of the mail server
	Password string         //
	From     string         // sender of mails
	Allow    []netip.Prefix // private networks that may be reached all the same
	Zone     *time.Location // of the times in messages
	Keep     *keep.Keeper   // seals the addresses and secrets of channels at rest; nil = keys that end with the process
	Letters  Letters        // answers for letters to people outside; nil = none leave
	Log      *slog.Logger
}

// Service delivers.
type Service struct {
	db    *store.DB
	house House
	opts  Options
	keep  *keep.Keeper
	guard *guard
	robot robotClient
	vapid *ecdsa.PrivateKey // by which push services know the installation; nil before Ready
}

// New makes the service of a database to which Tables have been applied.
func New(db *store.DB, house House, o Options) (*Service, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.URL != "" {
		u, err := url.Parse(o.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
			return nil, errors.New("--url is the address browsers use, such as https://crm.example.cn")
		}
	}
	if (o.SMTP == "") != (o.From == "") {
		return nil, errors.New("--smtp and --mail-from belong together")
	}
	if o.Keep == nil {
		o.Keep = keep.Memory()
	}
	g := &guard{allow: o.Allow}
	return &Service{db: db, house: house, opts: o, keep: o.Keep, guard: g, robot: newRobotClient(g)}, nil
}

// Link is the address of a record's page, or of the reader's notices if it is about none. It opens the page and does nothing by itself.
func (s *Service) Link(form, record string) string {
	if s.opts.URL == "" {
		return ""
	}
	return strings.TrimRight(s.opts.URL, "/") + pagePath(form, record)
}

func pagePath(form, record string) string {
	if form == "" {
		return "/notice"
	}
	return "/record/" + url.PathEscape(form) + "/" + url.PathEscape(record)
}

// Tables are what the package keeps beside the outbox.
func Tables() []store.Table {
	text := func(names ...string) []store.Column {
		var list []store.Column
		for _, n := range names {
			list = append(list, store.Column{Name: n, Kind: store.Text})
		}
		return list
	}
	id := store.Column{Name: "id", Kind: store.Text, NotNull: true}
	number := func(n string) store.Column { return store.Column{Name: n, Kind: store.Int} }
	return []store.Table{
		{Name: "alert_channel", Apart: true, Primary: []string{"id"}, Columns: append(append([]store.Column{id}, text("person", "kind", "sealed", "shown", "at", "dropped_at")...), number("quiet_from"), number("quiet_until")),
			Indexes: []store.Index{{Name: "alert_channel_person", Columns: []string{"person"}}}},
		{Name: "alert_key", Apart: true, Primary: []string{"id"}, Columns: append([]store.Column{id}, text("sealed", "at")...)},
	}
}

// target is where a channel leads: an address of mail, a robot's URL with the secret it signs with, or a browser's push service with
// the browser's secret and public key.
type target struct {
	Address string
	Secret  string
}

func placeOf(id string) keep.Place {
	return keep.Place{Table: "alert_channel", Column: "sealed", Record: id}
}

// lock seals a channel's target under a key of its own, so that a copy of the database calls nobody.
func (s *Service) lock(ctx context.Context, now time.Time, id string, t target) (string, error) {
	key, err := s.keep.NewKey(ctx, now)
	if err != nil {
		return "", err
	}
	return s.keep.Seal(ctx, key, placeOf(id), t.Address+"\n"+t.Secret)
}

func (s *Service) unlock(ctx context.Context, id, sealed string) (target, error) {
	plain, err := s.keep.Open(ctx, sealed, placeOf(id))
	if errors.Is(err, keep.ErrErased) || errors.Is(err, keep.ErrForged) {
		return target{}, errUnreadable
	}
	address, secret, _ := strings.Cut(plain, "\n")
	return target{address, secret}, err
}

// errUnreadable: the key that the channel was sealed with is gone.
var errUnreadable = errors.New("the channel's secret cannot be read; enter it again")

func newID() (string, error) {
	var b [10]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:])), nil
}

const instantForm = "2006-01-02T15:04:05.000Z"

func instant(t time.Time) string { return t.UTC().Format(instantForm) }

func moment(v any) time.Time {
	s, _ := v.(string)
	t, _ := time.Parse(instantForm, s)
	return t
}

func str(v any) string { s, _ := v.(string); return s }
