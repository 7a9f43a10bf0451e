package alert

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"zhanggui/internal/fault"
)

// oneAddress reads a single mailbox and nothing else: no list, no line break, no name.
func oneAddress(s string) (string, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 || strings.ContainsAny(s, "\r\n,;<>\"") {
		return "", fault.At("address", "这不是一个邮箱地址", "This is not one mail address")
	}
	return a.Address, nil
}

// smtps is the port that speaks TLS from the first byte.
const smtps = 465

// mail sends one message. The delivery id is its message id, so that a second copy is known as one.
func (s *Service) mail(ctx context.Context, id, to, subject, text string, now time.Time) error {
	host, port, err := net.SplitHostPort(s.opts.SMTP)
	if err != nil {
		return fmt.Errorf("--smtp is host:port: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("--smtp is host:port: %w", err)
	}
	m := gomail.NewMsg()
	if err := m.From(s.opts.From); err != nil {
		return err
	}
	if err := m.To(to); err != nil {
		return err
	}
	m.Subject(subject)
	m.SetDateWithValue(now)
	m.SetMessageIDWithValue(id + "@zhanggui")
	m.SetBodyString(gomail.TypeTextPlain, text)
	policy, dial := gomail.TLSMandatory, s.guard.dial
	if s.opts.User == "" { // a relay of the house, without an account
		policy = gomail.TLSOpportunistic
	}
	o := []gomail.Option{gomail.WithPort(n), gomail.WithTimeout(10 * time.Second), gomail.WithTLSPolicy(policy)}
	if n == smtps {
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := s.guard.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return tls.Client(c, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}), nil
		}
		o = append(o, gomail.WithSSL())
	}
	o = append(o, gomail.WithDialContextFunc(dial))
	if s.opts.User != "" {
		o = append(o, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.opts.User), gomail.WithPassword(s.opts.Password))
	}
	c, err := gomail.NewClient(host, o...)
	if err != nil {
		return err
	}
	return c.DialAndSendWithContext(ctx, m)
}
