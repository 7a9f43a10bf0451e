package attach

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

var errPicture = errors.New("attach: the picture is cut off")

// Strip writes a picture without what was noted beside it: place, time, device, comments. How it is to be turned stays, since
// it would lie on its side without. Anything but a JPEG, PNG or WebP is copied as it is.
func Strip(kind string, f io.Reader, to io.Writer) error {
	switch kind {
	case "image/jpeg", "image/png", "image/webp":
	default:
		_, err := io.Copy(to, f)
		return err
	}
	b, err := io.ReadAll(f) // an upload is bounded
	if err != nil {
		return err
	}
	var out []byte
	switch kind {
	case "image/jpeg":
		out, err = stripJPEG(b)
	case "image/png":
		out, err = stripPNG(b)
	default:
		out, err = stripWebP(b)
	}
	if err != nil {
		return err
	}
	_, err = to.Write(out)
	return err
}

// stripJPEG keeps of the application's segments those that change how the picture looks: 0 (JFIF), 2 (colours), 14 (Adobe).
func stripJPEG(b []byte) ([]byte, error) {
	if len(b) < 4 || b[0] != 0xff || b[1] != 0xd8 {
		return nil, errPicture
	}
	out := append([]byte{}, b[:2]...)
	turned := uint16(0)
	var body []byte // all but the two first bytes, so that the turn comes before it
	for i := 2; ; {
		if i+4 > len(b) || b[i] != 0xff {
			return nil, errPicture
		}
		mark := b[i+1]
		if mark == 0xff { // fill
			i++
			continue
		}
		n := int(binary.BigEndian.Uint16(b[i+2:]))
		if n < 2 || i+2+n > len(b) {
			return nil, errPicture
		}
		part := b[i : i+2+n]
		if mark == 0xda { // the picture itself, up to its end; what was hung on behind goes
			end := bytes.LastIndex(b, []byte{0xff, 0xd9})
			if end < i {
				return nil, errPicture
			}
			body = append(body, b[i:end+2]...)
			break
		}
		switch {
		case mark == 0xe1:
			if t := orientation(part[4:]); t != 0 {
				turned = t
			}
		case mark == 0xe0, mark == 0xe2, mark == 0xee, mark < 0xe0:
			body = append(body, part...)
		}
		i += 2 + n
	}
	if turned > 1 {
		out = append(out, 0xff, 0xe1, 0, 34)
		out = append(out, "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01"...)
		out = append(out, 0, byte(turned), 0, 0, 0, 0, 0, 0)
	}
	return append(out, body...), nil
}

// orientation reads the one tag of EXIF that is kept; 0 if there is none.
func orientation(b []byte) uint16 {
	if len(b) < 14 || string(b[:6]) != "Exif\x00\x00" {
		return 0
	}
	b = b[6:]
	var o binary.ByteOrder = binary.BigEndian
	if b[0] == 'I' {
		o = binary.LittleEndian
	}
	at := int64(o.Uint32(b[4:]))
	if at < 8 || at+2 > int64(len(b)) {
		return 0
	}
	n := int64(o.Uint16(b[at:]))
	for i := range n {
		p := at + 2 + 12*i
		if p+12 > int64(len(b)) {
			return 0
		}
		if o.Uint16(b[p:]) == 0x112 {
			if v := o.Uint16(b[p+8:]); v >= 1 && v <= 8 {
				return v
			}
		}
	}
	return 0
}

// stripPNG drops the chunks that hold words, times and EXIF, and what follows the end.
func stripPNG(b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, errPicture
	}
	out := append([]byte{}, b[:8]...)
	for i := 8; ; {
		if i+12 > len(b) {
			return nil, errPicture
		}
		n := int64(binary.BigEndian.Uint32(b[i:]))
		end := int64(i) + 12 + n
		if end > int64(len(b)) {
			return nil, errPicture
		}
		name := string(b[i+4 : i+8])
		switch name {
		case "tEXt", "zTXt", "iTXt", "tIME", "eXIf":
		default:
			out = append(out, b[i:end]...)
		}
		if name == "IEND" {
			return out, nil
		}
		i = int(end)
	}
}

// stripWebP drops the chunks EXIF and XMP and says so in the header.
func stripWebP(b []byte) ([]byte, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return nil, errPicture
	}
	size := int64(binary.LittleEndian.Uint32(b[4:])) + 8
	if size > int64(len(b)) {
		return nil, errPicture
	}
	out := append([]byte{}, b[:12]...)
	for i := int64(12); i+8 <= size; {
		n := int64(binary.LittleEndian.Uint32(b[i+4:]))
		end := i + 8 + n + n%2
		if end > size {
			return nil, errPicture
		}
		part := append([]byte{}, b[i:end]...)
		switch string(part[:4]) {
		case "EXIF", "XMP ":
			part = nil
		case "VP8X":
			if n < 1 {
				return nil, errPicture
			}
			part[8] &^= 0x08 | 0x04
		}
		out = append(out, part...)
		i = end
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, nil
}
