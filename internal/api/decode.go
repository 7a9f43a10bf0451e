package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"zhanggui/internal/fault"
)

// decode reads a JSON body strictly: a key that means nothing here is a mistake, never ignored.
func (c *call) decode(into any) error {
	if t, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return fault.New(fault.Invalid, "内容要用 JSON 发送", "Send the content as application/json")
	}
	b, err := io.ReadAll(c.r.Body)
	if err != nil {
		return unreadable(err)
	}
	if err := strict(b); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return unreadable(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "JSON 后面还有多余的内容", "Something follows the JSON value")
	}
	return nil
}

// optional reads a body that may be missing.
func (c *call) optional(into any) error {
	if c.r.ContentLength == 0 || c.r.Header.Get("Content-Type") == "" && c.r.ContentLength < 0 {
		return nil
	}
	return c.decode(into)
}

// tooLarge is the cause when a body exceeds its limit.
var errTooLarge = errors.New("body too large")

func unreadable(err error) error {
	var large *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &large):
		return fault.Wrap(fault.Invalid, errTooLarge, "内容太大", "The content is too large")
	case errors.As(err, &kind):
		return fault.At(kind.Field, "“"+kind.Field+"”的类型不对", kind.Field+" is of the wrong type")
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		field := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		return fault.At(field, "没有“"+field+"”这一项", "There is no "+field+" here")
	}
	return fault.Wrap(fault.Invalid, err, "JSON 看不懂", "The JSON cannot be read")
}
