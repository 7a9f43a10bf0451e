package app

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"

	"zhanggui/internal/engine"
	"zhanggui/internal/rulebook"
)

// underEarlier makes ready the earlier texts that records may run under beside a library. Those with open records are compiled now, so that
// a program which cannot do it does not start; the rest when somebody reads such a record.
func (s *server) underEarlier(ctx context.Context, lib *rulebook.Library) error {
	e, err := engine.New(s.db, lib, engine.Options{Keep: s.keys.Keeper})
	if err != nil {
		return err
	}
	list, err := e.Earlier(ctx, s.clock.Now())
	if err != nil {
		return err
	}
	older := map[string]engine.Older{}
	var running []*rulebook.Library
	for _, x := range list {
		if x.Under != x.Digest {
			older[x.Digest] = engine.Older{Under: x.Under}
			continue
		}
		files, err := e.TextFiles(ctx, x.Digest)
		if err != nil {
			return fmt.Errorf("an earlier text of %s: %w", x.Book, err)
		}
		compiled := sync.OnceValue(func() *rulebook.Library {
			was, issues := s.compileEarlier(files, x.Book)
			if issues.Failed() {
				s.p.log.Error("an earlier text of a regulation does not compile any more; what ended under it is shown as the present text has it", "regulation", x.Book, "mistakes", issues.Errors().Error())
				return nil
			}
			rulebook.Beneath(was, lib, x.Book)
			return was
		})
		older[x.Digest] = engine.Older{Under: x.Digest, Library: compiled}
		if !x.Open {
			continue
		}
		was := compiled()
		if was == nil {
			return fmt.Errorf("records of %s run under an earlier text that does not compile any more: bring them to an end with the program that they ran with", x.Book)
		}
		for _, f := range was.Book(x.Book).Forms {
			if lib.Form(f.Key) == nil {
				return fmt.Errorf("records of %s run under an earlier text whose form %s the present one does not have: keep the form until they have come to an end", x.Book, f.Key)
			}
		}
		running = append(running, was)
	}
	s.older = older
	return s.p.prepare(ctx, s.db, lib, running...)
}

// compileEarlier compiles an earlier text of a book among the present texts of the others; where one of these does not agree with it,
// among those that it needs.
func (s *server) compileEarlier(files map[string]string, book string) (*rulebook.Library, rulebook.Issues) {
	was, issues := rulebook.LoadLaw(s.files, files)
	if !issues.Failed() {
		return was, issues
	}
	folders := map[string]bool{"base": true}
	for name := range files {
		folders[path.Dir(name)] = true
	}
	for more := true; more; {
		more = false
		for _, id := range slices.Sorted(maps.Keys(folders)) {
			if b := s.offered.Book(id); b != nil {
				for _, need := range append(slices.Clone(b.Needs), b.Extends) {
					if need != "" && !folders[need] {
						folders[need], more = true, true
					}
				}
			}
		}
	}
	return rulebook.LoadLaw(some{s.files, folders}, files)
}

// some are the named folders of a file system.
type some struct {
	fs.FS
	folders map[string]bool
}

func (s some) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(s.FS, name)
	if name == "." {
		list = slices.DeleteFunc(list, func(d fs.DirEntry) bool { return d.IsDir() && !s.folders[d.Name()] })
	}
	return list, err
}
