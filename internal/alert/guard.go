package alert

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"zhanggui/internal/fault"
)

// guard is the only way out of the house. An address is judged when the connection is made, after every name has been
// resolved, so no spelling and no changing name service leads inside; private networks are reached only where the operator listed them.
type guard struct{ allow []netip.Prefix }

// errInside: the address is not one of the public internet, and not listed.
var errInside = errors.New("the address is inside a private network; the operator must list it (--alert-allow)")

// reserved are blocks that are global by form and lead elsewhere than to the public internet.
var reserved = func() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10"} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}()

func (g *guard) listed(a netip.Addr) bool {
	for _, p := range g.allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// open tells whether a connection to an address may be made.
func (g *guard) open(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if g.listed(a) {
		return true
	}
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// dial connects, asking about each address at the moment of the connection.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !g.open(to.Addr()) {
			return errInside
		}
		return nil
	}}
	return d.DialContext(ctx, network, address)
}

// check judges the spelling of a robot's URL before it is kept: https on the usual port, or a listed address written plainly.
func (g *guard) check(raw string) error {
	no := func(zh, en string) error { return fault.At("address", zh, en) }
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Opaque != "" || len(raw) > 500 {
		return no("地址看不懂", "The address cannot be read")
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return no("地址要以 https:// 开头", "The address must begin with https://")
	}
	if u.User != nil || u.Fragment != "" {
		return no("地址里不能有账号或 #", "The address may hold no account and no #")
	}
	host, port := u.Hostname(), u.Port()
	if a, err := netip.ParseAddr(host); err == nil {
		if !g.open(a) {
			return no("地址在内部网络里，要管理员先放行", "The address is inside a private network; the operator must list it")
		}
		if g.listed(a.WithZone("").Unmap()) {
			return listedPort(port, no)
		}
	} else if !plainName(host) {
		return no("地址里的主机名写法不对", "The host of the address is oddly written")
	}
	if u.Scheme != "https" {
		return no("地址要以 https:// 开头", "The address must begin with https://")
	}
	if port != "" && port != "443" {
		return no("只能用 443 端口", "Only port 443 may be used")
	}
	return nil
}

// listedPort keeps a robot's URL from speaking to a database or a mail server, on a listed address too.
func listedPort(port string, no func(zh, en string) error) error {
	if port == "" || port == "80" || port == "443" {
		return nil
	}
	n, err := strconv.Atoi(port)
	switch {
	case err != nil, n < 1024, n == 1433, n == 1521, n == 3306, n == 5432, n == 6379, n == 11211, n == 27017:
		return no("这个端口不是聊天机器人的", "That port is no chat robot's")
	}
	return nil
}

// plainName: letters, digits and hyphens, a dot within, and a last part that is no number in any spelling.
func plainName(host string) bool {
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return false
	}
	for _, l := range labels {
		if l == "" || strings.Trim(l, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last[:1], "0123456789") != ""
}
