module zhanggui

go 1.26.8

require (
	cel.dev/cel-go v0.33.2 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/govalues/decimal v0.1.36 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
