// Package alert carries notices out of the house, to where a person is now: mail and the chat robots of WeCom, DingTalk and
// Feishu. The engine writes an outbox row in the transaction of the act that tells; this package hands it to each channel of the
// person, at least once and always under the same delivery id, tries again for hours, and shows the administrator what it could
// not deliver. Only a number, a time and a link leave. It knows store, query and fault; time is an argument.
package alert

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"zhanggui/internal/store"
)

// House answers what the package may not know by itself.
type House interface {
	// Alert is what may leave of a notice about a record, by the rights of its reader now; ok is false if nothing may.
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
	Key      []byte         // 32 bytes that seal the secrets of channels at rest
	Log      *slog.Logger
}

// Service delivers.
type Service struct {
	db    *store.DB
	house House
	opts  Options
	seal  cipher.AEAD
	guard *guard
	robot robotClient
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
	block, err := aes.NewCipher(o.Key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	g := &guard{allow: o.Allow}
	return &Service{db: db, house: house, opts: o, seal: seal, guard: g, robot: newRobotClient(g)}, nil
}

// Link is the address of a record's page. It opens the page and does nothing by itself.
func (s *Service) Link(form, record string) string {
	if s.opts.URL == "" {
		return ""
	}
	return strings.TrimRight(s.opts.URL, "/") + "/record/" + url.PathEscape(form) + "/" + url.PathEscape(record)
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
	}
}

// target is where a channel leads: an address of mail, or a robot's URL with the secret it signs with.
type target struct {
	Address string
	Secret  string
}

// lock seals a target, so that a copy of the database calls nobody.
func (s *Service) lock(t target) (string, error) {
	nonce := make([]byte, s.seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(s.seal.Seal(nonce, nonce, []byte(t.Address+"\n"+t.Secret), nil)), nil
}

func (s *Service) unlock(sealed string) (target, error) {
	b, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(b) < s.seal.NonceSize() {
		return target{}, errUnreadable
	}
	plain, err := s.seal.Open(nil, b[:s.seal.NonceSize()], b[s.seal.NonceSize():], nil)
	if err != nil {
		return target{}, errUnreadable
	}
	address, secret, _ := strings.Cut(string(plain), "\n")
	return target{address, secret}, nil
}

// errUnreadable: the key of the installation is not the one the channel was sealed with.
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
