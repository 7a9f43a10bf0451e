package app

import "testing"

func TestHideSecret(t *testing.T) {
	for in, want := range map[string]string{
		"sqlite:data/zhanggui.db":                "sqlite:data/zhanggui.db",
		"postgres://zg:pw@db:5432/zg?sslmode=on": "postgres://zg:***@db:5432/zg?sslmode=on",
		"postgres://zg@db/zg?password=pw":        "postgres://zg@db/zg?password=***",
		"postgres://zg:p%w@db/zg":                "***", // unreadable: nothing of it is shown
	} {
		if got := hideSecret(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestBrowsable(t *testing.T) {
	for in, want := range map[string]string{"[::]:8080": "localhost:8080", "127.0.0.1:80": "127.0.0.1:80", "0.0.0.0:9": "localhost:9"} {
		if got := browsable(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
