package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"zhanggui/internal/journal"
)

// Watcher looks at the log of a server and keeps its checkpoints.
type Watcher struct {
	From, Token string // address of the server, and an auditor's machine token
	Keeper      *Keeper
	Signer      journal.Signer // of the witness
}

// Look shows the server first what is kept, so that one that was rolled back learns it from us, then takes the next checkpoint.
func (w *Watcher) Look(ctx context.Context) (journal.Checkpoint, error) {
	kept, note, err := w.Keeper.Last()
	if err != nil {
		return kept, err
	}
	shown := error(nil)
	if note != nil {
		shown = w.show(ctx, note)
	}
	var now struct {
		Note string `json:"note"`
	}
	if err := w.ask(ctx, http.MethodGet, "/api/log/checkpoint", nil, &now); err != nil {
		return kept, errors.Join(shown, err)
	}
	if now.Note == "" {
		if kept.Size > 0 {
			return kept, fmt.Errorf("%w (it has no checkpoint at all)", ErrRolledBack)
		}
		return kept, errors.New("the log has no checkpoint yet")
	}
	seen, err := w.Keeper.Keep([]byte(now.Note), func(older, newer int64) ([]journal.Hash, error) {
		var p struct {
			Proof []journal.Hash `json:"proof"`
		}
		err := w.ask(ctx, http.MethodGet, fmt.Sprintf("/api/log/consistency?from=%d&to=%d", older, newer), nil, &p)
		return p.Proof, err
	})
	if err != nil {
		return seen, err
	}
	return seen, w.show(ctx, []byte(now.Note))
}

// show hands in a checkpoint with our signature.
func (w *Watcher) show(ctx context.Context, note []byte) error {
	signed, err := journal.Cosign(note, []journal.Verifier{w.Keeper.Verifier}, w.Signer)
	if err != nil {
		return err
	}
	return w.ask(ctx, http.MethodPost, "/api/log/witness", map[string]string{"note": string(signed)}, nil)
}

func (w *Watcher) ask(ctx context.Context, method, path string, in, out any) error {
	ctx, end := context.WithTimeout(ctx, 30*time.Second)
	defer end()
	base, err := url.Parse(w.From)
	if err != nil || base.Host == "" {
		return fmt.Errorf("--from %s is no address", w.From)
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(w.From, "/")+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+w.Token)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s: %s: %.300s", path, res.Status, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}
