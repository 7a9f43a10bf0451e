package attach_test

import (
	archive "archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"zhanggui/internal/attach"
	"zhanggui/internal/fault"
)

func jpegOf(t *testing.T) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 4)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t *testing.T) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 4))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// packedOf is an archive of parts with these names.
func packedOf(t *testing.T, names ...string) string {
	var b bytes.Buffer
	z := archive.NewWriter(&b)
	for _, name := range names {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rawOf is an archive of one part that says of itself what is given.
func rawOf(t *testing.T, part archive.FileHeader) string {
	var b bytes.Buffer
	z := archive.NewWriter(&b)
	if _, err := z.CreateRaw(&part); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Ensure that a file comes in only if its name and content agree on a kind that is taken, that no name hides what it is, and that no
// archive comes in, nor an office file that is one in disguise (S74).
func TestCheck(t *testing.T) {
	zip, old := packedOf(t, "[Content_Types].xml", "xl/workbook.xml", "xl/media/a.svg"), "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"
	huge := pngOf(t)
	binary.BigEndian.PutUint32(huge[16:], 1<<20) // width and height of the header
	binary.BigEndian.PutUint32(huge[20:], 1<<20)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	for _, c := range []struct {
		name, content string
		ok            bool
	}{
		{"照片.jpg", string(jpegOf(t)), true}, {"照片.JPEG", string(jpegOf(t)), true}, {"报价.v1.2.pdf", "%PDF-1.7", true}, {"a.xlsx", zip, true},
		{"a.doc", old, true}, {"录音.amr", "#!AMR\n", true}, {"单.csv", "\xb1\xe0\xba\xc5,\xc3\xfb\xb3\xc6\n1,2\n", true}, {"空.txt", "", true},
		{"a.jpg", string(pngOf(t)), false}, {"a.png", "<script>", false}, {"a.pdf", zip, false}, {"a.docx", "%PDF-1.7", false}, {"a.xls", zip, false}, {"a.txt", "<html>", false}, {"a.txt", "MZ\x90\x00\x03", false},
		{"a", "x", false}, {"a.exe", "MZ", false}, {"a.zip", zip, false}, {"a.rar", "Rar!\x1a\x07\x01\x00", false}, {"a.7z", "7z\xbc\xaf\x27\x1c", false}, {"a.tar.gz", "\x1f\x8b\x08", false}, {"a.txt", zip, false},
		{"a.docx", packedOf(t, "[Content_Types].xml", "word/document2.xml", "word/embeddings/oleObject1.bin"), true}, {"a.pptx", packedOf(t, "ppt/presentation.xml"), true}, {"a.ofd", packedOf(t, "OFD.xml"), true}, {"a.et", packedOf(t, "xl/workbook.xml"), true},
		{"a.docx", zip, false}, {"a.xlsx", packedOf(t, "照片.jpg"), false}, {"a.xlsx", packedOf(t), false}, {"a.xlsx", "PK\x03\x04\x14\x00", false}, {"a.xlsx", zip[:len(zip)-9], false}, {"a.xlsx", packedOf(t, "xl/workbook.xml", "setup.EXE"), false},
		{"a.xlsx", packedOf(t, "xl/workbook.xml", "xl/vbaProject.bin"), false}, {"a.xlsx", packedOf(t, "xl/workbook.xml", "more.7z"), false}, {"a.xlsx", packedOf(t, "xl/workbook.xml", "xl/../../a.xml"), false}, {"a.xlsx", packedOf(t, `\xl\workbook.xml`), true},
		{"a.xlsx", rawOf(t, archive.FileHeader{Name: "xl/workbook.xml", UncompressedSize64: 9}), true}, {"a.xlsx", rawOf(t, archive.FileHeader{Name: "xl/workbook.xml", UncompressedSize64: 9, Flags: 1}), false},
		{"a.xlsx", rawOf(t, archive.FileHeader{Name: "xl/workbook.xml", UncompressedSize64: 2 << 30}), false}, {"a.docm", zip, false}, {"a.svg", "<svg>", false}, {"a.pHaR", "<?php", false}, {"a.html", "x", false},
		{"invoice.exe.pdf", "%PDF-1.7", false}, {"x.HTML .pdf", "%PDF-1.7", false}, {"x.pdf.", "%PDF-1.7", false},
		{"a.png", string(huge), false}, {"a.gif", "GIF89a", false},
	} {
		f := strings.NewReader(c.content)
		_, err := attach.Check(c.name, f)
		if (err == nil) != c.ok || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s %.12q: %v", c.name, c.content, err)
		}
		if rest, _ := io.ReadAll(f); c.ok && string(rest) != c.content {
			t.Errorf("%s is not at its beginning", c.name)
		}
	}
}

// exif is what a camera writes: turned as told, and where it was. The order of bytes is either.
func exif(o binary.ByteOrder, turn uint16) []byte {
	var b bytes.Buffer
	b.WriteString("Exif\x00\x00")
	b.WriteString(map[bool]string{true: "II", false: "MM"}[o == binary.LittleEndian])
	for _, x := range []any{uint16(42), uint32(8), uint16(2), uint16(0x10f), uint16(2), uint32(4), []byte("CAN\x00"), uint16(0x112), uint16(3), uint32(1), turn, uint16(0), uint32(0)} {
		_ = binary.Write(&b, o, x)
	}
	b.WriteString("GPS 31.2304N CANARY")
	return b.Bytes()
}

func segment(mark byte, body []byte) []byte {
	return append([]byte{0xff, mark, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
}

// Ensure that a picture keeps no place, device, time or comment, nor what was hung on behind it; that it still shows, and that
// only how it is turned stays (S77).
func TestStrip(t *testing.T) {
	strip := func(kind string, b []byte) ([]byte, error) {
		var out bytes.Buffer
		err := attach.Strip(kind, bytes.NewReader(b), &out)
		return out.Bytes(), err
	}
	plain := jpegOf(t)
	for _, o := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		full := append([]byte{}, plain[:2]...)
		for _, s := range [][]byte{segment(0xe1, exif(o, 6)), segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00CANARY")), segment(0xed, []byte("CANARY")), segment(0xfe, []byte("CANARY"))} {
			full = append(full, s...)
		}
		full = append(append(full, plain[2:]...), "CANARY"...)
		out, err := strip("image/jpeg", full)
		if err != nil || bytes.Contains(out, []byte("CAN")) || bytes.Contains(out, []byte("GPS")) || !bytes.Contains(out, []byte("\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06")) {
			t.Errorf("%v: %v %q", o, err, out)
		}
		if c, err := jpeg.DecodeConfig(bytes.NewReader(out)); err != nil || c.Width != 8 {
			t.Errorf("it does not show: %v", err)
		}
		if again, err := strip("image/jpeg", out); err != nil || !bytes.Equal(again, out) {
			t.Errorf("the turn is lost when it comes a second time: %v", err)
		}
	}
	if out, err := strip("image/jpeg", plain); err != nil || !bytes.Equal(out, plain) {
		t.Errorf("a picture with nothing beside it is changed: %v", err)
	}
	chunk := func(name, body string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		b = append(append(b, name...), body...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	p := pngOf(t)
	full := append(append(append([]byte{}, p[:33]...), chunk("tEXt", "CANARY")...), chunk("eXIf", "CANARY")...)
	full = append(append(full, p[33:]...), "CANARY"...)
	if out, err := strip("image/png", full); err != nil || !bytes.Equal(out, p) {
		t.Errorf("png: %v %q", err, out)
	}
	riff := func(parts ...string) []byte {
		body := "WEBP" + strings.Join(parts, "")
		return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
	}
	vp8 := "VP8 \x04\x00\x00\x00abcd"
	got, err := strip("image/webp", riff("VP8X\x0a\x00\x00\x00\x1c\x00\x00\x00\x00\x00\x00\x00\x00\x00", vp8, "EXIF\x06\x00\x00\x00CANARY", "XMP \x07\x00\x00\x00CANARYX\x00"))
	if want := riff("VP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00", vp8); err != nil || !bytes.Equal(got, want) {
		t.Errorf("webp: %v %q", err, got)
	}
	for kind, b := range map[string][]byte{"image/jpeg": plain, "image/png": p, "image/webp": riff(vp8)} {
		for n := range b {
			if _, err := strip(kind, b[:n]); err == nil {
				t.Errorf("%s cut off at %d is taken", kind, n)
			}
		}
	}
	if out, err := strip("application/pdf", []byte("%PDF CANARY")); err != nil || string(out) != "%PDF CANARY" {
		t.Errorf("%v %q", err, out)
	}
}

// daemon answers as clamd does; say decides.
func daemon(t *testing.T, say func(content string) string) string {
	at := filepath.Join(t.TempDir(), "c")
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				if word, _ := r.ReadString(0); word != "zINSTREAM\x00" {
					return
				}
				var all []byte
				for {
					var n uint32
					if binary.Read(r, binary.BigEndian, &n) != nil {
						return
					}
					if n == 0 {
						break
					}
					part := make([]byte, n)
					if _, err := io.ReadFull(r, part); err != nil {
						return
					}
					all = append(all, part...)
				}
				_, _ = io.WriteString(c, say(string(all)))
			}()
		}
	}()
	return "unix:" + at
}

// Ensure that a scanner sees the whole file, that its no is a no, and that without a clear yes nothing is taken (S74).
func TestScanner(t *testing.T) {
	big := strings.Repeat("x", 300<<10)
	at := daemon(t, func(s string) string {
		switch s {
		case big:
			return "stream: OK\x00"
		case "bad":
			return "stream: Eicar-Test-Signature FOUND\x00"
		case "mute":
			return ""
		}
		return "INSTREAM size limit exceeded. ERROR\x00"
	})
	s, err := attach.NewScanner(at)
	if err != nil {
		t.Fatal(err)
	}
	scan := func(content string) error { return s.Scan(context.Background(), strings.NewReader(content)) }
	if err := scan(big); err != nil {
		t.Errorf("clean: %v", err)
	}
	if err := scan("bad"); !errors.Is(err, attach.ErrInfected) || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "Eicar") {
		t.Errorf("infected: %v", err)
	}
	for _, c := range []string{"mute", "other"} {
		if err := scan(c); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", c, err)
		}
	}
	away, err := attach.NewScanner("unix:" + filepath.Join(t.TempDir(), "none"))
	if err != nil {
		t.Fatal(err)
	}
	if err := away.Scan(context.Background(), strings.NewReader("x")); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
	if err := (*attach.Scanner)(nil).Scan(context.Background(), strings.NewReader("x")); err != nil {
		t.Errorf("no scanner is set: %v", err)
	}
	for _, bad := range []string{"", "unix:", "clamd", ":3310", "host:"} {
		if _, err := attach.NewScanner(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
