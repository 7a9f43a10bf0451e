// Package web holds the built shopfront. `npm run build` fills dist; a bare checkout serves an empty one.
package web

import "embed"

// Dist is the built front end, rooted at "dist".
//
//go:embed all:dist
var Dist embed.FS
