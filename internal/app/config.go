package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// settings is what the server is told. A flag wins over the environment, the environment over the file.
type settings struct {
	Store
	Lease        time.Duration  `help:"Of several nodes on PostgreSQL one has the timers, the seal and the alerts; another takes over when it has given no sign for so long." default:"10s" env:"ZHANGGUI_LEASE"`
	Leave        time.Duration  `help:"A stopping server says so at /api/ready and goes on answering for so long, until its balancer sends nobody here; -1s = 5s on PostgreSQL, else 0." default:"-1s" env:"ZHANGGUI_LEAVE"`
	Listen       string         `help:"Address to serve on. The default is reachable from this machine only: open it (:8080) with a certificate or behind a proxy." default:"127.0.0.1:8080" env:"ZHANGGUI_LISTEN"`
	Public       string         `help:"Address of a second listener, for people without an account: answers by links and their page, nothing else. Then the first need not be reachable from outside the house." placeholder:"ADDRESS" env:"ZHANGGUI_PUBLIC"`
	TLSCert      string         `help:"Certificate file." name:"tls-cert" placeholder:"FILE" env:"ZHANGGUI_TLS_CERT"`
	TLSKey       string         `help:"Key file of the certificate." name:"tls-key" placeholder:"FILE" env:"ZHANGGUI_TLS_KEY"`
	Proxy        []netip.Prefix `help:"Addresses of proxies whose X-Forwarded-For and -Proto are believed." placeholder:"CIDR" env:"ZHANGGUI_PROXY"`
	Demo         bool           `help:"Serve the demonstration company (its database is made if missing)." env:"ZHANGGUI_DEMO"`
	Clock        string         `help:"system, or manual: turned by hand, in the demonstration only. Default: what the database was made for." enum:",system,manual" default:"" placeholder:"system|manual" env:"ZHANGGUI_CLOCK"`
	Dev          string         `help:"Folder of rulebooks to watch: a changed file takes effect at once." placeholder:"DIR" env:"ZHANGGUI_DEV"`
	Key          string         `help:"File of the key that signs the journal; made if missing. Keep a copy elsewhere." default:"data/journal.key" placeholder:"FILE" env:"ZHANGGUI_KEY"`
	Witness      []string       `help:"Public keys of witnesses outside, whose signatures on checkpoints are shown." placeholder:"KEY" env:"ZHANGGUI_WITNESS"`
	Verify       time.Duration  `help:"The journal is verified by itself so often; 0 = never." default:"24h" env:"ZHANGGUI_VERIFY"`
	Drill        time.Duration  `help:"A backup is made, restored and verified by itself so often (SQLite); 0 = never." default:"24h" env:"ZHANGGUI_DRILL"`
	Copy         string         `help:"Folder, on another disk or machine, in which a continuous copy of the database is kept (SQLite): whatever is done is there a second or two later." placeholder:"DIR" env:"ZHANGGUI_COPY"`
	CopyKey      string         `help:"Public key (age1…) for which the continuous copy is encrypted; zhanggui backup --new-key makes a pair." name:"copy-recipient" placeholder:"KEY" env:"ZHANGGUI_COPY_RECIPIENT"`
	CopyKeep     time.Duration  `help:"How far back one can go in the continuous copy." name:"copy-keep" default:"168h" env:"ZHANGGUI_COPY_KEEP"`
	URL          string         `help:"Address browsers use, https://crm.example.cn: links in alerts and for a new password, passkeys and single sign-on are bound to it." placeholder:"URL" env:"ZHANGGUI_URL"`
	SMTP         string         `help:"Mail server for alerts; 465 speaks TLS at once, other ports by STARTTLS." placeholder:"HOST:PORT" env:"ZHANGGUI_SMTP"`
	SMTPUser     string         `help:"Account at the mail server." name:"smtp-user" placeholder:"NAME" env:"ZHANGGUI_SMTP_USER"`
	SMTPPassword string         `help:"Its password; better given by the environment." name:"smtp-password" placeholder:"PASSWORD" env:"ZHANGGUI_SMTP_PASSWORD"`
	MailFrom     string         `help:"Sender of alerts by mail." name:"mail-from" placeholder:"ADDRESS" env:"ZHANGGUI_MAIL_FROM"`
	AlertAllow   []netip.Prefix `help:"Private networks that alerts may reach all the same: a mail server or chat robot of the house." name:"alert-allow" placeholder:"CIDR" env:"ZHANGGUI_ALERT_ALLOW"`
	Scan         string         `help:"Virus scanner that speaks as clamd does, unix:/run/clamav/clamd.ctl or host:port: every attachment is shown to it, and none is taken while it is silent." placeholder:"ADDRESS" env:"ZHANGGUI_SCAN"`
	Metrics      string         `help:"Address of a listener of its own where Prometheus reads figures at /metrics, 127.0.0.1:9464; not given, there is none." placeholder:"ADDRESS" env:"ZHANGGUI_METRICS"`
	MetricsToken secret         `help:"Secret that whoever reads the figures sends as a bearer token; needed where others reach the address." name:"metrics-token" placeholder:"SECRET" env:"ZHANGGUI_METRICS_TOKEN"`
	Traces       string         `help:"Collector that takes traces by OTLP over HTTP, https://collector:4318/v1/traces; not given, nothing is traced." placeholder:"URL" env:"ZHANGGUI_TRACES"`
	TracesOneIn  int            `help:"Of so many requests one is traced." name:"traces-one-in" default:"1" env:"ZHANGGUI_TRACES_ONE_IN"`
	Idle         time.Duration  `help:"A session ends after so long without a request." default:"15m" env:"ZHANGGUI_IDLE"`
	Absolute     time.Duration  `help:"A session ends after so long in any case." default:"12h" env:"ZHANGGUI_ABSOLUTE"`
	Password     int            `help:"Characters a password has at least." name:"password-length" default:"12" env:"ZHANGGUI_PASSWORD_LENGTH"`
	History      int            `help:"Earlier passwords that may not come back." name:"password-history" default:"0" env:"ZHANGGUI_PASSWORD_HISTORY"`
	Classes      int            `help:"Kinds of characters a password needs." name:"password-classes" default:"0" env:"ZHANGGUI_PASSWORD_CLASSES"`
	MaxAge       time.Duration  `help:"A password must be changed after; 0 = never." name:"password-age" default:"0" env:"ZHANGGUI_PASSWORD_AGE"`
	Fresh        time.Duration  `help:"How long a proof of who one is counts for revealing, exporting, granting roles and the like." default:"5m" env:"ZHANGGUI_FRESH"`
	Prove        bool           `help:"Ask a proof of its own for every signature of an approval, not only where the rulebook does." name:"prove-signatures" env:"ZHANGGUI_PROVE_SIGNATURES"`
	RecordsADay  int            `help:"Records of one form that a person, or a machine as him, may open in 24 hours, imports among them; 0 = any number." name:"records-a-day" default:"200000" env:"ZHANGGUI_RECORDS_A_DAY"`
	Second       string         `help:"Whose second factor is demanded: none, officers (administrators and auditors), all." name:"second-factor" enum:"none,officers,all" default:"officers" env:"ZHANGGUI_SECOND_FACTOR"`
	Grace        time.Duration  `help:"How long somebody of whom it is demanded may come in without having enrolled one." name:"second-factor-grace" default:"72h" env:"ZHANGGUI_SECOND_FACTOR_GRACE"`
	Single       bool           `help:"One session a person: a new one ends those before." name:"single-session" env:"ZHANGGUI_SINGLE_SESSION"`
	Profile      string         `help:"mlps-3: what the level-3 protection scheme asks of sign-in, wherever the settings ask for less." enum:",mlps-3" default:"" placeholder:"mlps-3" env:"ZHANGGUI_PROFILE"`

	OIDCIssuer string `help:"Identity provider of the company (OpenID Connect)." name:"oidc-issuer" placeholder:"URL" env:"ZHANGGUI_OIDC_ISSUER"`
	OIDCClient string `help:"Client id at the provider." name:"oidc-client" placeholder:"ID" env:"ZHANGGUI_OIDC_CLIENT"`
	OIDCSecret secret `help:"Client secret at the provider; best in the environment." name:"oidc-secret" placeholder:"SECRET" env:"ZHANGGUI_OIDC_SECRET"`
	OIDCLabel  string `help:"What the button of the sign-in page says." name:"oidc-label" placeholder:"企业微信" env:"ZHANGGUI_OIDC_LABEL"`
}

// secret is a setting that is never printed.
type secret string

// profile raises what the settings ask less of than a profile does; nothing is loosened by it.
func (s *settings) profile() {
	if s.Profile != "mlps-3" {
		return
	}
	s.Classes, s.History = max(s.Classes, 3), max(s.History, 5)
	if s.MaxAge == 0 || s.MaxAge > 90*24*time.Hour {
		s.MaxAge = 90 * 24 * time.Hour
	}
	s.Idle, s.Absolute = min(s.Idle, 15*time.Minute), min(s.Absolute, 12*time.Hour)
	s.Fresh = min(s.Fresh, 5*time.Minute)
	s.Second, s.Single, s.Prove = "all", true, true
}

// check finds what contradicts itself before anything is opened.
func (s *settings) check() error {
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key belong together")
	case s.Password < 8:
		return errors.New("--password-length is 8 at least")
	case s.Clock == "manual" && !s.Demo:
		return errors.New("--clock manual exists in the demonstration only (--demo)")
	case s.Idle <= 0 || s.Absolute <= 0 || s.Fresh <= 0:
		return errors.New("--idle, --absolute and --fresh must be longer than nothing")
	case s.Lease != 0 && s.Lease < time.Second:
		return errors.New("--lease is a second at least")
	case s.RecordsADay < 0:
		return errors.New("--records-a-day is a number, 0 for any number")
	case s.CopyKeep < 0:
		return errors.New("--copy-keep is a length of time")
	case s.Grace < 0:
		return errors.New("--second-factor-grace is a length of time")
	case s.OIDCIssuer != "" && (s.URL == "" || s.OIDCClient == ""):
		return errors.New("--oidc-issuer needs --url and --oidc-client")
	}
	for flag, v := range map[string]string{"--url": s.URL, "--oidc-issuer": s.OIDCIssuer, "--traces": s.Traces} {
		// Readable transport only to this machine itself.
		u, err := url.Parse(v)
		if v != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname()))) {
			return fmt.Errorf("%s: an https address is expected, like https://crm.example.cn", flag)
		}
	}
	if u, err := url.Parse(s.URL); err == nil && strings.Trim(u.Path, "/") != "" {
		return errors.New("--url: the installation has a host of its own, without a path")
	}
	s.URL = strings.TrimRight(s.URL, "/")
	s.profile()
	return s.checkOperator()
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// settingsFile resolves flags from a YAML file of flag names.
type settingsFile struct {
	name   string
	values map[string]any
}

// defaultFile is read if it is there and no other is named.
const defaultFile = "zhanggui.yaml"

// configuration reads the settings file before the flags are known, because it gives them values.
func configuration(args []string) (*settingsFile, error) {
	name := os.Getenv("ZHANGGUI_CONFIG")
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			name = v
		} else if a == "--config" && i+1 < len(args) {
			name = args[i+1]
		}
	}
	file := &settingsFile{name: name}
	wanted := name != ""
	if !wanted {
		file.name = defaultFile
	}
	b, err := os.ReadFile(file.name)
	if errors.Is(err, fs.ErrNotExist) && !wanted {
		return file, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(b, &file.values, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("settings %s:\n%w", file.name, err)
	}
	return file, nil
}

// Validate refuses keys that no command knows: a misspelt setting must not be a silent default.
func (f *settingsFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && flag.Name != "help" && flag.Name != "config" {
			known[flag.Name] = true
		}
		return next(nil)
	})
	var wrong []string
	for key := range f.values {
		if !known[key] {
			wrong = append(wrong, key)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return fmt.Errorf("settings %s: there is no setting %s; `zhanggui config` prints those there are", f.name, strings.Join(wrong, ", "))
}

// Resolve gives a flag the value of the file, unless the environment has one.
func (f *settingsFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, ok := os.LookupEnv(env); ok {
			return nil, nil
		}
	}
	v, ok := f.values[flag.Name]
	if !ok || v == nil {
		return nil, nil
	}
	switch x := v.(type) {
	case bool:
		return x, nil
	case []any: // a list is written as it is on the command line
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = fmt.Sprint(e)
		}
		return strings.Join(parts, ","), nil
	case map[string]any:
		return nil, fmt.Errorf("settings %s: %s is one value, not a group", f.name, flag.Name)
	}
	return fmt.Sprint(v), nil
}

type configCommand struct {
	settings
}

func (c *configCommand) Run(p *program, common *Common) error {
	if err := c.check(); err != nil {
		return err
	}
	out := yaml.MapSlice{}
	for _, f := range p.kong.Flags() {
		if f.Name == "help" || f.Name == "config" {
			continue
		}
		var v any = f.Target.Interface()
		switch x := v.(type) {
		case time.Duration:
			v = x.String()
		case []netip.Prefix:
			list := make([]string, len(x))
			for i := range x {
				list[i] = x[i].String()
			}
			v = list
		case secret:
			if v = ""; x != "" {
				v = "***"
			}
		case string:
			if v = hideSecret(x); f.Name == "smtp-password" && x != "" {
				v = "***"
			}
		}
		out = append(out, yaml.MapItem{Key: f.Name, Value: v})
	}
	b, err := yaml.Marshal(out)
	if err != nil {
		return err
	}
	_, err = p.out.Write(bytes.ReplaceAll(b, []byte("'***'"), []byte("***")))
	return err
}

// hideSecret takes passwords out of an address.
func hideSecret(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	u, err := url.Parse(s)
	if err != nil {
		return "***" // unreadable, so nothing of it is known to be harmless
	}
	shown := u.Scheme + "://"
	if u.User != nil {
		shown += u.User.Username()
		if _, has := u.User.Password(); has {
			shown += ":***"
		}
		shown += "@"
	}
	shown += u.Host + u.Path
	q := u.Query()
	for _, k := range []string{"password", "sslpassword"} {
		if q.Has(k) {
			q.Set(k, "***")
		}
	}
	if len(q) > 0 {
		shown += "?" + strings.ReplaceAll(q.Encode(), "%2A%2A%2A", "***")
	}
	return shown
}
