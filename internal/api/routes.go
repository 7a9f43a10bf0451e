package api

import (
	"fmt"
	"net/http"

	"zhanggui/internal/alert"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
)

// Who a route lets in.
type entrance string

const (
	public  entrance = "public"  // anybody
	half    entrance = "half"    // who has given his password and still owes his second factor, and nobody else
	signed  entrance = "signed"  // a person who must still change his password or enrol a second factor, too
	own     entrance = "own"     // the same, in the browser
	person  entrance = "person"  // a person, in the browser or by a machine token of his
	browser entrance = "browser" // a person in the browser: sessions and passwords are not a machine's business
	holder  entrance = "holder"  // somebody without an account, by the link of one action of one record
	screen  entrance = "screen"  // a wall display by its link, which stands for no person and opens nothing else
)

// route is one line of the table of contents. What is left out is refused at the start, not allowed.
type route struct {
	method, path string
	who          entrance
	right        string // "" or a role: admin; audit = auditor or admin
	fresh        bool   // who asks must have proved minutes ago who he is; not for machine tokens
	stream       bool   // stays open by itself, so it does not keep a session alive
	unsafe       bool   // changes something: CSRF token, and an idempotency key is heard
	reads        bool   // though it is unsafe, a token that may only read is enough: nothing of the company changes
	do           func(*call) error
	about        string
	ask          []string // query parameters
	in, out      any      // bodies, for the document
	limit        int64    // of the body; default 1 MB
	form         bool     // one operation a form in the document
	brief        bool     // "Prefer: return=minimal" is heard
	status       int      // of success, default 200
	kind         string   // of the answer, default JSON
}

const megabyte = 1 << 20

// table is the whole door.
func (s *server) table() []*route {
	get := func(path string, who entrance, do func(*call) error, about string, out any, ask ...string) *route {
		return &route{method: http.MethodGet, path: path, who: who, do: do, about: about, out: out, ask: ask}
	}
	post := func(path string, who entrance, do func(*call) error, about string, in, out any) *route {
		return &route{method: http.MethodPost, path: path, who: who, unsafe: true, do: do, about: about, in: in, out: out}
	}
	with := func(r *route, set func(*route)) *route { set(r); return r }
	admin := func(r *route) { r.right = "admin" }
	brief := func(r *route) { r.brief = true }
	audit := func(r *route) { r.right = "audit" }
	del := func(r *route) { r.method, r.status = http.MethodDelete, http.StatusNoContent }
	created := func(r *route) { r.status = http.StatusCreated }
	fresh := func(r *route) { r.fresh = true }
	empty := func(r *route) { r.status = http.StatusNoContent }
	form := func(r *route) { r.form = true }

	list := []*route{
		// Sign-in
		with(post("/api/session", public, signIn, "Sign in", signInBody{}, me{}), created),
		get("/api/session", browser, sessions, "One's own sessions", []sessionRow{}),
		with(post("/api/session", signed, signOut, "Sign out", nil, nil), del),
		with(post("/api/session/{id}", browser, endSession, "End one of one's sessions", nil, nil), del),
		with(post("/api/session/second", half, secondFactor, "Give the second factor: a code, or the answer of a passkey", proofBody{}, me{}), created),
		get("/api/session/second", half, owes, "Which second factors can be given", owing{}),
		with(post("/api/session/passkey", public, signInByKey, "Sign in by passkey", proofBody{}, me{}), created),
		post("/api/session/fresh", own, prove, "Prove anew who one is: the password, or the answer of a passkey", proofBody{}, freshAnswer{}),
		post("/api/session/fresh/passkey", own, askPasskeyFor, "A challenge for a passkey that proves one decision", forBody{}, challenge{}),
		post("/api/passkey", public, askPasskey, "A challenge for a passkey, for sign-in, second factor and fresh proof", nil, challenge{}),
		with(post("/api/password", own, changePassword, "Change one's password", passwordBody{}, nil), empty),
		with(post("/api/reset", public, reset, "Choose a new password by the secret of a reset link", resetBody{}, nil), empty),

		// Second factors, the company's sign-on
		get("/api/factor", own, factors, "One's own second factors", factorView{}),
		with(post("/api/factor/totp", own, enrolCode, "Begin one-time codes", nil, enrolment{}), fresh),
		with(with(post("/api/factor/totp/confirm", own, confirmCode, "Finish one-time codes with a first code", codeBody{}, nil), empty), fresh),
		with(post("/api/factor/recovery", own, newRecovery, "Make recovery codes; shown once", nil, recovery{}), fresh),
		with(with(post("/api/factor/recovery/confirm", own, confirmRecovery, "Take recovery codes into use by typing one", codeBody{}, nil), empty), fresh),
		with(post("/api/factor/passkey/ask", own, enrolPasskey, "Begin a passkey", nil, challenge{}), fresh),
		with(with(post("/api/factor/passkey", own, addPasskey, "Keep the passkey a browser made", proofBody{}, nil), empty), fresh),
		with(with(post("/api/factor/{id}", own, removeFactor, "Remove one of one's second factors", nil, nil), del), fresh),
		post("/api/oidc", public, startSSO, "Begin a sign-in at the company's identity provider", returnBody{}, redirect{}),
		with(get(auth.CallbackPath, public, finishSSO, "Where the identity provider sends the browser back to", nil, "state", "code", "error"), func(r *route) { r.status, r.kind = http.StatusSeeOther, "" }),
		with(post("/api/identity", browser, linkSelf, "Begin to link one's company account", nil, redirect{}), fresh),
		with(with(post("/api/identity/{id}", browser, unlink, "Unlink one's company account", nil, nil), del), fresh),
		get("/api/me", signed, whoAmI, "Who I am and what is open to me", me{}),
		get("/api/company", public, company, "Whose installation this is", companyView{}),
		get("/api/token", browser, tokens, "One's own machine tokens", []tokenRow{}),
		with(with(post("/api/token", browser, createToken, "Make a machine token", tokenBody{}, tokenRow{}), created), fresh),
		with(post("/api/token/{id}", browser, endToken, "End a machine token", nil, nil), del),

		// Library
		get("/api/rulebook", person, books, "The rulebooks", []engine.BookBrief{}),
		get("/api/rulebook/{id}", person, book, "One rulebook, clause by clause", engine.BookView{}),
		get("/api/rulebook/{id}/diff", person, bookDiff, "What another rulebook says otherwise, clause by clause", engine.BookDiff{}, "with"),
		post("/api/rulebook/{id}/parameter/{pid}", person, setParameter, "Give a company value from a day on", parameterBody{}, engine.Outcome{}),
		post("/api/rulebook/{id}/dry-run", person, dryRun, "What the records of a period would have been with other company values; nothing is written", dryRunBody{}, engine.DryRun{}),
		get("/api/clause/{id}", person, clause, "One clause", engine.ClauseView{}),
		get("/api/form", person, forms, "The forms", []engine.FormBrief{}),
		get("/api/form/{key}", person, formOf, "One form as screens are drawn from it; of a record, as its text of the regulation has it", engine.FormView{}, "record"),
		get("/api/form/{key}/flow", person, flow, "The states of a form and the actions between them, and the way a record took", engine.Flow{}, "record"),
		get("/api/form/{key}/view", person, savedViews, "Views of a register kept by oneself or shared with one's unit", []engine.SavedView{}),
		with(post("/api/form/{key}/view", person, saveView, "Keep a view of a register", viewBody{}, engine.SavedView{}), created),
		with(post("/api/form/{key}/view/{id}", person, changeView, "Rename, change, share or make default a view", viewBody{}, engine.SavedView{}), func(r *route) { r.method = http.MethodPatch }),
		with(post("/api/form/{key}/view/{id}", person, dropView, "Drop a view", nil, nil), del),

		// Records
		with(get("/api/form/{key}/record", person, list_, "A page of a register", engine.Page{}, "view", "filter", "q", "sort", "cursor", "limit", "count", "fields"), form),
		get("/api/form/{key}/count", person, count, "How many records a list finds, and each of the rulebook's views", engine.FormCount{}, "view", "filter", "q", "views"),
		with(get("/api/form/{key}/record.xlsx", person, export, "A short register as a workbook", nil, "view", "filter", "q", "sort", "fields"), func(r *route) {
			r.kind, r.fresh = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", true
		}),
		with(with(with(post("/api/form/{key}/record", person, create, "File a record", createBody{}, recordAnswer{}), created), form), brief),
		with(get("/api/form/{key}/record/{id}", person, record, "One record", engine.RecordView{}), form),
		with(with(post("/api/form/{key}/record/{id}", person, edit, "Edit a record", editBody{}, recordAnswer{}), form), func(r *route) { r.method, r.brief = http.MethodPatch, true }),
		get("/api/form/{key}/record/{id}/history", person, history, "What happened to a record, in words", []engine.HistoryEntry{}),
		get("/api/form/{key}/record/{id}/around", person, around, "What stands around a record: what is about it, its parts, what lies ahead, what can be filed", engine.Around{}),
		get("/api/form/{key}/record/{id}/timeline", person, timeline, "What happened to a record and around it, a page at a time", engine.Timeline{}, "form", "cursor", "limit"),
		get("/api/form/{key}/record/{id}/why", person, why, "Why a deadline, an action or a value is as it is", engine.Why{}, "of"),
		get("/api/form/{key}/record/{id}/print", person, printPreview, "A record as its paper would be printed", engine.PrintView{}, "copy"),
		with(post("/api/form/{key}/record/{id}/print", person, print, "Print: the paper, counted and recorded", nil, engine.PrintView{}), func(r *route) { r.ask = []string{"copy"} }),
		with(post("/api/personal-request/{id}/copy", person, personalCopy, "Everything held about the person of an approved request", nil, engine.PersonalCopy{}), fresh),
		with(post("/api/form/{key}/record/{id}/reveal", person, reveal, "Show a masked value for a while", revealBody{}, engine.Revealed{}), fresh),
		with(with(post("/api/form/{key}/record/{id}/{action}", person, act, "Do an action on a record", actBody{}, doneAnswer{}), form), brief),
		post("/api/form/{key}/bulk/{action}", person, bulk, "Do one action on up to 200 records, each by itself", bulkBody{}, bulkAnswer{}),
		with(post("/api/form/{key}/link/{action}", browser, giveLinks, "Give links by which somebody without an account does an action once", linkBody{}, []linkRow{}), created),
		get("/api/answer", holder, asked, "What the holder of a link is asked", askedView{}),
		with(post("/api/answer", holder, answerBy, "What the holder of a link answers, once", answerBody{}, nil), func(r *route) { r.limit, r.status = 64<<10, http.StatusNoContent }),
		post("/api/form/{key}/alike", person, alike, "What is there already that a record with these values may be the same as; nothing is written", alikeBody{}, []engine.Alike{}),
		get("/api/form/{key}/alike", person, alikePairs, "Records of a register that may be the same, two by two, a part of the register at a time", engine.AlikePairs{}, "cursor"),
		post("/api/form/{key}/import/read", person, readImport, "Read a sheet and guess which column is which field", importReadBody{}, importRead{}),
		with(post("/api/form/{key}/import", person, startImport, "Bring the rows of a sheet in, or try it; it goes on by itself", importBody{}, importView{}), func(r *route) { r.status = http.StatusAccepted }),
		get("/api/import/{id}", person, importState, "How far an import is, and which rows were refused", importView{}),
		with(get("/api/import/{id}/refused.xlsx", person, importRefused, "The refused rows with the reason", nil), func(r *route) {
			r.kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		}),
		with(post("/api/import/{id}", person, stopImport, "Stop an import; what came in stays", nil, nil), del),
		with(post("/api/form/{key}/export", person, startExport, "Order a register as a workbook; it goes on by itself", exportBody{}, exportView{}), func(r *route) { r.status, r.fresh = http.StatusAccepted, true }),
		with(post("/api/form/{key}/export/request", person, askExport, "Ask for the approval of an export that may not be taken alone", exportAskBody{}, engine.Outcome{}), created),
		get("/api/export-request", person, exportRequests, "One's own requests for an export", []engine.ExportRequest{}),
		with(post("/api/export-request/{id}", person, startRequested, "Order what one's own request was approved for, once", nil, exportView{}), func(r *route) { r.status, r.fresh = http.StatusAccepted, true }),
		get("/api/export", person, myExports, "One's own exports of the last week", []exportView{}),
		get("/api/export/{id}", person, exportState, "How far an export is", exportView{}),
		with(get("/api/export/{id}/file.xlsx", person, fetchExport, "The workbook of an export, within a day", nil), func(r *route) {
			r.kind, r.fresh = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", true
		}),
		with(post("/api/export/{id}", person, stopExport, "Stop an export", nil, nil), del),
		get("/api/form/{key}/options", person, options, "What a reference field may hold", []engine.OptionRow{}, "field", "line", "q", "record", "beside"),
		with(with(post("/api/file", person, upload, "Keep an attachment", nil, engine.FileValue{}), created), func(r *route) { r.limit = 20*megabyte + 64<<10 }),
		with(get("/api/file/{id}", person, download, "An attachment", nil), func(r *route) { r.kind = "application/octet-stream" }),

		// Tasks, clocks, notices
		get("/api/task", person, tasks, "What I must do, by when: the most urgent hundred of each kind; all=1 = up to 500", engine.TaskList{}, "all"),
		get("/api/task/count", person, taskCounts, "How many have a time limit, by how soon", engine.TaskCounts{}),
		get("/api/clock", person, clocks, "Running time limits", engine.ClockPage{}, "form", "state", "unit", "q", "cursor", "limit"),
		get("/api/notice", person, notices, "What I was told", engine.NoticeList{}),
		with(post("/api/notice/{id}/read", person, readNotice, "Mark a notice as read", nil, nil), empty),
		get("/api/alert", browser, alerts, "How alerts reach me outside the page", alertsView{}),
		with(post("/api/alert", browser, addChannel, "Add a channel: mail, the chat robot of WeCom, DingTalk or Feishu, a program of the house, or this browser", alert.NewChannel{}, alert.Channel{}), created),
		with(with(post("/api/alert/{id}", browser, quietChannel, "Set a channel's quiet hours", quietBody{}, nil), empty), func(r *route) { r.method = http.MethodPatch }),
		with(post("/api/alert/{id}", browser, dropChannel, "Drop a channel", nil, nil), del),
		with(post("/api/alert/{id}/try", browser, tryChannel, "Send a message to a channel of mine now", nil, nil), empty),
		with(get("/api/delivery", person, undelivered, "Alerts that have not arrived", []deliveryRow{}), admin),
		with(with(post("/api/delivery/{id}/again", browser, deliverAgain, "Send a dead alert once more", nil, nil), admin), empty),
		with(get("/api/job", person, failedJobs, "Jobs that failed: those given up, and those that are tried again", []jobRow{}), admin),
		with(with(post("/api/job/{id}/again", browser, jobAgain, "Begin a job that was given up once more, from where it stands", nil, nil), admin), empty),
		with(get("/api/installation", person, machines, "Which database it is, and what is wrong with how it is set", installation{}), admin),
		with(get("/api/event", person, events, "What changes, as it changes", nil), func(r *route) { r.kind, r.stream = "text/event-stream", true }),
		get("/api/search", person, search, "Find records, clauses and forms", engine.SearchResult{}, "q"),
		get("/api/scan", person, scan, "The record that a scanned number or check code names", []engine.Scanned{}, "code"),

		// Sanctions, ledgers, reports
		get("/api/ledger", person, ledgers, "The ledgers", []engine.LedgerBrief{}),
		get("/api/ledger/{id}", person, ledger, "Entries and balance", engine.LedgerView{}, "book", "person", "month"),
		get("/api/report", person, reports, "The periodic reports", []engine.ReportBrief{}),
		get("/api/stat", person, stat, "Figures of a form by a field or month", statAnswer{}, "form", "by", "where", "sum", "count"),
		get("/api/statement", person, statement, "What a month's penalties and rewards come to, per person and unit", engine.Statement{}, "month"),
		with(get("/api/statement.xlsx", person, statementSheet, "The same as a workbook for payroll, recorded", nil, "month"), func(r *route) {
			r.fresh, r.kind = true, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		}),
		get("/api/board", person, board, "The control room at a glance", engine.Board{}),
		post("/api/clock/{id}/urge", person, urge, "Remind those who hold a running time limit", nil, urgeAnswer{}),
		get("/api/wall-board", screen, wallBoard, "What a wall display shows", engine.WallBoard{}),
		with(get("/api/wall", browser, walls, "The links of wall displays", []wallRow{}), admin),
		with(with(post("/api/wall", browser, createWall, "Make a link for a wall display of a unit", wallBody{}, wallRow{}), admin), created),
		with(with(post("/api/wall/{id}", browser, endWall, "Revoke a display's link", nil, nil), admin), del),

		// Audit, settings
		get("/api/journal", person, journalPage, "The journal in words", engine.JournalPage{}, "person", "record", "clause", "action", "refused", "cursor", "limit"),
		get("/api/journal/{id}", person, journalEntry, "One entry whole", engine.JournalEntry{}),
		with(get("/api/audit", person, auditState, "How the journal stands", engine.AuditView{}), audit),
		with(post("/api/audit/verify", person, verify, "Recompute the journal", nil, engine.AuditView{}), audit),
		with(get("/api/log/checkpoint", person, checkpoint, "The newest signed checkpoint of the journal", noteBody{}), audit),
		with(get("/api/log/consistency", person, consistency, "Proof that the log of one size continues that of another", proofView{}, "from", "to"), audit),
		with(get("/api/log/inclusion", person, inclusion, "Proof that an entry is in the log of a size", proofView{}, "leaf", "size"), audit),
		with(with(with(post("/api/log/witness", person, witnessed, "Hand in a checkpoint that a witness keeps and has signed", noteBody{}, nil), audit), empty), func(r *route) { r.reads = true }),
		with(with(post("/api/form/{key}/packet", person, recordPacket, "Records of a form with the entries that made them and their proofs, for an offline verifier", recordPacketBody{}, nil), audit), func(r *route) { r.kind, r.fresh = "application/zip", true }),
		with(with(get("/api/log/packet", person, packet, "The journal with its checkpoint, for an offline verifier", nil), audit), func(r *route) { r.kind = "application/zip" }),
		get("/api/person/{id}/rights", person, rights, "What a person may do, in sentences", []engine.Text{}),
		with(get("/api/person/{id}/handing", person, handing, "What a person would hand over if he left now, as far as the reader sees it", engine.Handing{}), admin),
		with(with(post("/api/person/{id}/reset", browser, resetOther, "A link with which a person chooses a new password himself", nil, resetAnswer{}), admin), fresh),
		with(with(with(post("/api/person/{id}/factor", browser, forgetFactors, "Remove the second factors of somebody who lost them, saying how he proved who he is", reasonBody{}, nil), del), admin), fresh),
		with(with(post("/api/person/{id}/session", browser, endAllOf, "End all sessions of a person", nil, nil), del), admin),
		with(with(with(post("/api/person/{id}/identity", browser, linkOther, "Link a company account to a person", subjectBody{}, nil), empty), admin), fresh),
		get("/api/calendar", person, calendarOf, "Which days count", engine.CalendarView{}, "year"),
		get("/api/openapi.json", person, document, "This document", nil),
		get("/api/health", public, health, "The process answers", nil),
		get("/api/ready", public, ready, "It can do its work", nil),
	}
	if s.FirstRun != nil {
		list = append(list, with(post("/api/first-run", public, found, "Make the company and its first administrator, while nobody can sign in", foundBody{}, nil), empty))
	}
	if s.ManualClock != nil {
		list = append(list,
			get("/api/clock-hand", person, hand, "Where the hand-turned clock stands", handView{}),
			post("/api/clock-hand", person, turn, "Turn the clock", turnBody{}, turned{}),
			post("/api/clock", person, turn, "Turn the clock", turnBody{}, turned{}))
	}
	return list
}

// check refuses a route that does not say whom it lets in.
func (r *route) check() {
	switch r.who {
	case public, half, signed, own, person, browser, screen, holder:
	default:
		panic(fmt.Sprintf("route %s %s does not say whom it lets in", r.method, r.path))
	}
	if r.do == nil || r.about == "" || (r.method != http.MethodGet) != r.unsafe {
		panic(fmt.Sprintf("route %s %s is not whole", r.method, r.path))
	}
	if r.limit == 0 {
		r.limit = megabyte
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.kind == "" {
		r.kind = "application/json"
	}
}
