package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"zhanggui/internal/attach"
	"zhanggui/internal/fault"
)

// upload keeps an attachment of a kind that is taken. Its type is read from the content: what a browser calls it counts for nothing.
func upload(c *call) error {
	if err := c.r.ParseMultipartForm(megabyte); err != nil {
		return unreadable(err)
	}
	defer func() { _ = c.r.MultipartForm.RemoveAll() }() // temporary files; the system clears them anyway
	f, head, err := c.r.FormFile("file")
	if err != nil {
		return fault.At("file", "没有收到文件", "No file was received")
	}
	defer f.Close()
	name := cleanName(path.Base(strings.ReplaceAll(head.Filename, `\`, "/")))
	kind, err := attach.Check(name, f)
	if err != nil {
		return err
	}
	if err := c.s.Scan.Scan(c.ctx(), f); err != nil {
		if errors.Is(err, attach.ErrInfected) || fault.KindOf(err) == fault.Unavailable {
			c.s.Log.Error("alarm: an attachment was not taken", "ref", c.id, "person", c.actor.Person, "err", errors.Unwrap(err))
		}
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var body bytes.Buffer // an upload is bounded
	if err := attach.Strip(kind, f, &body); err != nil {
		return fault.At("file", "图片不完整", "The picture is not whole")
	}
	v, err := c.s.Engine.SaveFile(c.ctx(), c.now, c.actor, name, kind, bytes.NewReader(body.Bytes()))
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, v)
}

// cleanName drops what file systems, headers and eyes stumble over.
func cleanName(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r < 0x20 || r == 0x7f, strings.ContainsRune(`/\:*?"<>|`, r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s), " .")
}

// shownInline are pictures a browser draws without running anything; all else is saved.
var shownInline = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

func download(c *call) error {
	f, err := c.s.Engine.File(c.ctx(), c.now, c.actor, c.path("id"))
	if err != nil {
		return err
	}
	how, kind := "attachment", "application/octet-stream"
	if shownInline[f.Type] {
		how, kind = "inline", f.Type // a picture is looked at on its page
	} else if f, err = c.s.Engine.Download(c.ctx(), c.now, c.actor, f.ID); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(how, map[string]string{"filename": f.Name}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if err := c.s.Engine.CopyFile(c.ctx(), f.ID, c.w); err != nil {
		c.s.Log.Error("attachment", "ref", c.id, "err", err.Error())
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
	return nil
}
