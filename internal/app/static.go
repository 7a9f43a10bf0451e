package app

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// shopfront serves the built web application. Any path that is not a file is a page of it, drawn by index.html.
type shopfront struct {
	files map[string]*asset // by URL path without the leading slash
}

type asset struct {
	body, zipped []byte
	kind, etag   string
	forever      bool // the name holds a digest of the content
	once         sync.Once
}

// newShopfront reads the files once; they are in the binary and do not change.
func newShopfront(dist fs.FS) (*shopfront, error) {
	s := &shopfront{files: map[string]*asset{}}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		b, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		kind := mime.TypeByExtension(path.Ext(name))
		if kind == "" {
			kind = http.DetectContentType(b)
		}
		s.files[name] = &asset{body: b, kind: kind, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, forever: strings.HasPrefix(name, "assets/")}
		return nil
	})
	return s, err
}

// built tells whether there is an application at all.
func (s *shopfront) built() bool { return s.files["index.html"] != nil }

func (s *shopfront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	a := s.files[name]
	if a == nil {
		// A missing script must be missing: HTML in its place breaks the page in a way nobody understands.
		// A form's key has a dot, too: only what lies among the built files, or at the top, is missed as a file.
		if strings.HasPrefix(name, "assets/") || !strings.Contains(name, "/") && strings.Contains(name, ".") {
			http.NotFound(w, r)
			return
		}
		a = s.files["index.html"]
	}
	if a == nil {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(notBuilt))
		return
	}
	a.serve(w, r)
}

const notBuilt = `<!doctype html><meta charset="utf-8"><title>Zhanggui</title>
<p>The web application is not built into this program: run <code>make build</code>. The API is served under <code>/api</code>.</p>`

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Add("Vary", "Accept-Encoding")
	if a.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache") // asked about each time, and answered with 304
	}
	body, tag := a.body, a.etag
	if compressible(a.kind) && len(a.body) > 1024 && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		a.once.Do(a.zip)
		body, tag = a.zipped, strings.TrimSuffix(a.etag, `"`)+`-gz"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body)) // answers If-None-Match, ranges and HEAD
}

func (a *asset) zip() {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(a.body)
	_ = z.Close()
	a.zipped = b.Bytes()
}

func compressible(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "javascript") || strings.HasSuffix(kind, "json") ||
		strings.HasSuffix(kind, "+xml") || kind == "application/wasm"
}

// acceptsGzip reads Accept-Encoding; "gzip;q=0" is a no.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" || name == "*" {
			q = strings.ReplaceAll(q, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
