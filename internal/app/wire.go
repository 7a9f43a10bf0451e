package app

import (
	"context"
	"net/http"
)

// api is the door for programs on one library. It waits for its package, and says so instead of seeming to work.
func (s *server) api(*running) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"type":"/problem/unavailable","title":"接口还没有接上","status":503,"kind":"unavailable"}`))
	})
}

// verify recomputes the journal, after sealing what still waits for it.
func (s *server) verify(ctx context.Context) (int64, []string, error) {
	if _, err := s.db.Seal(ctx, s.clock.Now(), s.seal.signer); err != nil {
		return 0, nil, err
	}
	report, err := s.db.Audit(ctx, s.seal.verifier)
	var found []string
	for _, f := range report.Findings {
		found = append(found, f.String())
	}
	return report.Sealed, found, err
}
