package auth

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// drawn is a text as a QR code in SVG: one path, four modules of white around it.
func drawn(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	const quiet = 4
	n := code.Bounds().Dx()
	var d strings.Builder
	for y := range n {
		for x := 0; x < n; x++ {
			w := 0
			for x+w < n && code.At(x+w, y) == color.Black {
				w++
			}
			if w > 0 {
				fmt.Fprintf(&d, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, w, w)
				x += w
			}
		}
	}
	size := n + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dh-%dz"/><path d="%s"/></svg>`,
		size, size, size, size, size, d.String()), nil
}
