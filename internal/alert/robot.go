package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The chat robots. Each has its own way of proving who calls: WeCom a key in the address, DingTalk a signature over the time in the
// query, Feishu one in the body. Each answers 200 to a refusal too, and says so in a number. A program of the house is called as
// Standard Webhooks has it: id, time and a signature over both and the body stand in the head, and any 2xx is yes.

// robotClient calls out. It follows no redirect, since the address behind one was never judged.
type robotClient struct{ http *http.Client }

func newRobotClient(g *guard) robotClient {
	return robotClient{&http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DialContext: g.dial, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 8 * time.Second, MaxResponseHeaderBytes: 16 << 10, DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answered is how a robot that was reached did not take the message: "status 500", "number 93000", "not_robot".
type answered string

func (a answered) Error() string { return "the robot did not take it: " + string(a) }

// answerLimit is how much of an answer is read.
const answerLimit = 64 << 10

// robotCall is what is sent to a robot of a kind: the address with what proves the caller, and the body.
func robotCall(kind string, t target, text string, now time.Time) (string, map[string]any, error) {
	u, err := url.Parse(t.Address)
	if err != nil {
		return "", nil, err
	}
	switch kind {
	case "wecom": // the address holds the key
		return t.Address, map[string]any{"msgtype": "text", "text": map[string]any{"content": text}}, nil
	case "dingtalk":
		if t.Secret != "" {
			at := strconv.FormatInt(now.UnixMilli(), 10)
			q := u.Query()
			q.Set("timestamp", at)
			q.Set("sign", signed(t.Secret, at+"\n"+t.Secret))
			u.RawQuery = q.Encode()
		}
		return u.String(), map[string]any{"msgtype": "text", "text": map[string]any{"content": text}}, nil
	case "feishu":
		body := map[string]any{"msg_type": "text", "content": map[string]any{"text": text}}
		if t.Secret != "" {
			at := strconv.FormatInt(now.Unix(), 10)
			body["timestamp"], body["sign"] = at, signed(at+"\n"+t.Secret, "")
		}
		return t.Address, body, nil
	case webhook:
		return t.Address, map[string]any{"type": "notice", "timestamp": now.UTC().Format(time.RFC3339), "data": map[string]any{"text": text}}, nil
	}
	return "", nil, fmt.Errorf("no robot is called %s", kind)
}

// webhook is the channel that leads to a program of the house.
const webhook = "webhook"

// webhookHead proves who calls a program, and when, so that a call overheard cannot be sent again later.
func webhookHead(head http.Header, id, secret string, body []byte, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	head.Set("Webhook-Id", id)
	head.Set("Webhook-Timestamp", at)
	head.Set("Webhook-Signature", "v1,"+signed(secret, id+"."+at+"."+string(body)))
}

func signed(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// call sends one message. What the robot answers is judged and not kept: an answer could be anybody's page.
func (c robotClient) call(ctx context.Context, kind, id string, t target, text string, now time.Time) error {
	to, body, err := robotCall(kind, t, text, now)
	if err != nil {
		return err
	}
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Zhanggui")
	req.Header.Set("X-Delivery-Id", id)
	if kind == webhook {
		webhookHead(req.Header, id, t.Secret, b, now)
	}
	a, err := c.http.Do(req)
	if err != nil {
		var u *url.Error // it would quote the address, key and all
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer a.Body.Close()
	if kind == webhook {
		if a.StatusCode < 200 || a.StatusCode > 299 {
			return answered("status " + strconv.Itoa(a.StatusCode))
		}
		return nil
	}
	read, err := io.ReadAll(io.LimitReader(a.Body, answerLimit))
	if err != nil {
		return answered("not_robot")
	}
	if a.StatusCode != http.StatusOK {
		return answered("status " + strconv.Itoa(a.StatusCode))
	}
	var said struct {
		Errcode *int `json:"errcode"`
		Code    *int `json:"code"`
	}
	if json.Unmarshal(read, &said) != nil || said.Errcode == nil && said.Code == nil {
		return answered("not_robot")
	}
	for _, n := range []*int{said.Errcode, said.Code} {
		if n != nil && *n != 0 {
			return answered("number " + strconv.Itoa(*n))
		}
	}
	return nil
}
