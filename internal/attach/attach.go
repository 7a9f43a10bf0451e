// Package attach says what may come in as an attachment: a kind of file from a list, by name and content alike, without what
// a camera noted beside the picture, and not what a scanner for malware objects to. It knows fault alone.
package attach

import (
	"bytes"
	"image"
	_ "image/gif" // headers of pictures are read
	_ "image/jpeg"
	_ "image/png"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"zhanggui/internal/fault"
)

// kinds are the endings that may come in, with what their content must look like: a type by http.DetectContentType, or
// "^" and the first bytes where that knows none.
var kinds = map[string][]string{
	"png": {"image/png"}, "jpg": {"image/jpeg"}, "jpeg": {"image/jpeg"}, "gif": {"image/gif"}, "webp": {"image/webp"}, "bmp": {"image/bmp"},
	"pdf":  {"application/pdf"},
	"docx": {"application/zip"}, "xlsx": {"application/zip"}, "pptx": {"application/zip"}, "ofd": {"application/zip"},
	"doc": {ole}, "xls": {ole}, "ppt": {ole}, "wps": {ole, "application/zip"}, "et": {ole, "application/zip"},
	"txt": {"text/plain"}, "csv": {"text/plain"}, "eml": {"text/plain"},
	"mp3": {"audio/mpeg"}, "wav": {"audio/wave"}, "m4a": {"video/mp4", "^\x00\x00\x00"}, "amr": {"^#!AMR"},
	"mp4": {"video/mp4", "^\x00\x00\x00"}, "mov": {"video/mp4", "^\x00\x00\x00"},
}

const ole = "^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" // the container of older office files

// running are endings of what a machine would run; a name that has one before its last is made to deceive.
var running = []string{"exe", "com", "bat", "cmd", "ps1", "vbs", "js", "mjs", "jar", "msi", "scr", "lnk", "hta", "html", "htm", "xhtml", "svg", "xml", "php", "phar", "jsp", "asp", "aspx", "sh", "apk", "docm", "xlsm"}

// maxPixels bounds a picture: one that is small as a file and endless when drawn stops whoever opens it.
const maxPixels = 100e6

// Words are the endings that may come in, for messages.
func Words() string {
	var list []string
	for k := range kinds {
		list = append(list, k)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// Check says what a file is, by its content; an error if its name and content do not agree, or it is of no kind that may
// come in. It leaves f at its beginning.
func Check(name string, f io.ReadSeeker) (kind string, err error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return "", err
	}
	head = head[:n]
	parts := strings.Split(strings.ToLower(name), ".")
	ending := strings.TrimPrefix(path.Ext(strings.ToLower(name)), ".")
	for _, p := range parts[1:] {
		if slices.Contains(running, strings.TrimSpace(p)) {
			return "", refused()
		}
	}
	kind = http.DetectContentType(head)
	plain, _, _ := strings.Cut(kind, ";")
	if !slices.ContainsFunc(kinds[ending], func(want string) bool {
		if start, ok := strings.CutPrefix(want, "^"); ok {
			return bytes.HasPrefix(head, []byte(start))
		}
		return plain == want
	}) {
		return "", refused()
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	switch plain {
	case "application/zip":
		if !office(ending, f) {
			return "", fault.At("file", "压缩包不收；这份文件不是完整的办公文档，或者里面夹着程序、宏或别的压缩包", "Archives are not taken; this file is no whole office document, or has programs, macros or other archives in it")
		}
	case "image/png", "image/jpeg", "image/gif":
		c, _, err := image.DecodeConfig(f)
		if err != nil || float64(c.Width)*float64(c.Height) > maxPixels {
			return "", fault.At("file", "图片读不出来，或者大得没法看", "The picture cannot be read, or is too large to be shown")
		}
	}
	_, err = f.Seek(0, io.SeekStart)
	return kind, err
}

func refused() error {
	return fault.At("file", "这种文件不收，或者内容和后缀不一致；能收的有："+Words(), "A file of this kind is not taken, or its content is not what its name says; taken are: "+Words())
}
