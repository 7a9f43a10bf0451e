package api_test

import (
	"testing"

	"zhanggui/internal/store/faulty"
	"zhanggui/internal/testkit"
)

// Ensure that after a disk has failed once nothing is acknowledged until a restart has recovered the file, though the disk
// works again: whoever asks is told to come back, the load balancer is told at once, and reading goes on.
func TestDisk_StopsUntilRestart(t *testing.T) {
	for name, f := range map[string]faulty.Fault{"before the sync": {Disk: true, Only: "COMMIT"}, "after it": {Disk: true, Only: "COMMIT", Lost: true}} {
		t.Run(name, func(t *testing.T) {
			disk := &faulty.Storage{}
			s := openWith(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, shopBook), disk.Through())
			wang := s.signIn("wang")
			id := wang.file(map[string]any{"subject": "前"})
			wang.do("GET", "/api/ready", nil).want(200)
			disk.Arm(1, f)
			create := map[string]any{"values": map[string]any{"subject": "法兰"}}
			r := wang.do("POST", at, create).want(503)
			if r.head.Get("Retry-After") == "" || r.text("kind") != "unavailable" {
				t.Errorf("%v %s", r.head, r.body)
			}
			disk.Heal()
			for range 5 { // the disk is well; the file has not been recovered
				wang.do("POST", at, create).want(503)
				wang.do("POST", at+"/"+id+"/register", map[string]any{}).want(503)
			}
			wang.do("GET", "/api/ready", nil).want(503)
			wang.do("GET", "/api/health", nil).want(200)
			wang.do("GET", at+"/"+id, nil).want(200)
			s.Restart()
			want := 1
			if f.Lost {
				want = 2 // it was done, and nobody was told: that is why an act may be sent again under its key
			}
			if n := s.Count("fx_matter", "", nil); n != want {
				t.Errorf("%d records after the restart, want %d", n, want)
			}
			s.Do("wang", "x.matter", "", "create", map[string]any{"subject": "后"})
		})
	}
}
