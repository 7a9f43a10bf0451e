package store

// SystemTables are what every installation has beside the tables of its forms.
func SystemTables() []Table {
	return []Table{
		{Name: "meta", Apart: true, Label: "键值", Primary: []string{"key"}, Columns: []Column{
			need("key", Text), may("value", Text)}},

		// Who does what only one node may do. The fence is a key, so that PostgreSQL tells its change from a renewal.
		{Name: "lease", Apart: true, Label: "值守", Primary: []string{"name"}, Columns: []Column{
			need("name", Text), need("holder", Text), need("fence", Int), need("until", Text)},
			Indexes: []Index{{Name: "lease_fence", Columns: []string{"name", "fence"}, Unique: true}}},

		// The last number given out of each series and period.
		{Name: "series", Label: "编号", Primary: []string{"series", "period"}, Columns: []Column{
			need("series", Text), need("period", Text), need("value", Int)}},

		// One row an act. The body is canonical bytes and all that counts; the other columns repeat
		// parts of it to be searched. The leaf is its place in the log, NULL until it is sealed:
		// numbers are given by the sealer, because transactions commit in another order than they begin.
		// The turn puts acts on the same row in the order they happened.
		{Name: "journal_entry", Apart: true, Written: true, Label: "日志", Primary: []string{"id"}, Columns: []Column{
			need("id", Text), need("at", Text), need("recorded", Text), may("actor", Text), may("form", Text), may("record", Text),
			may("action", Text), may("unit", Text), may("refused", Bool), may("clauses", Text), need("body", JSON), {Name: "leaf", Kind: Int, Once: true}, may("turn", Int)},
			Indexes: []Index{
				{Name: "journal_entry_leaf", Columns: []string{"leaf"}, Unique: true, Where: `"leaf" IS NOT NULL`},
				{Name: "journal_entry_turn", Columns: []string{"turn"}, Unique: true},
				{Name: "journal_entry_unsealed", Columns: []string{"recorded", "id"}, Where: `"leaf" IS NULL`},
				{Name: "journal_entry_record", Columns: []string{"record", "at", "id"}},
				{Name: "journal_entry_actor", Columns: []string{"actor", "at"}},
				{Name: "journal_entry_at", Columns: []string{"at", "id"}}}},

		// The hashes of the log's tree, by their stored index: about two a leaf.
		{Name: "journal_hash", Apart: true, Written: true, Label: "日志哈希", Primary: []string{"idx"}, Columns: []Column{
			need("idx", Int), need("hash", Blob)}},

		// Signed states of the log; the note holds the signatures, witnesses' too.
		{Name: "checkpoint", Apart: true, Written: true, Label: "检查点", Primary: []string{"size"}, Columns: []Column{
			need("size", Int), need("at", Text), need("note", Text)}},

		// The newest checkpoint that each witness outside has signed as well.
		{Name: "witness", Apart: true, Label: "见证", Primary: []string{"name"}, Columns: []Column{
			need("name", Text), need("size", Int), need("at", Text), need("note", Text)}},

		// Attachments, in pieces, so that none has to fit into memory.
		{Name: "blob", Label: "附件", Primary: []string{"id"}, Columns: []Column{
			need("id", Text), need("size", Int), need("sha256", Text), need("at", Text)}},
		{Name: "blob_chunk", Apart: true, Label: "附件内容", Primary: []string{"blob", "pos"}, Columns: []Column{
			need("blob", Text), need("pos", Int), need("data", Blob)}},

		// What regulations read, by the digest that the record of the text states.
		{Name: "rulebook_text", Apart: true, Label: "制度文本", Primary: []string{"digest"}, Columns: []Column{
			need("digest", Text), need("body", JSON), need("at", Text)}},

		// What was answered to a request, for its repetition.
		{Name: "idempotency", Apart: true, Label: "幂等键", Primary: []string{"principal", "key"}, Columns: []Column{
			need("principal", Text), need("key", Text), need("body_hash", Text), may("status", Int), may("answer", Text), need("at", Text)},
			Indexes: []Index{{Name: "idempotency_at", Columns: []string{"at"}}}},

		// Ids of sessions and tokens are hashes; the secret itself is kept nowhere.
		{Name: "session", Apart: true, Label: "会话", Primary: []string{"id"}, Columns: []Column{
			need("id", Text), need("person", Text), need("at", Text), need("seen", Text), need("until", Text), may("fresh", Text),
			may("factor", Text), may("address", Text), may("agent", Text), may("ended", Text)},
			Indexes: []Index{{Name: "session_person", Columns: []string{"person", "until"}}, {Name: "session_until", Columns: []string{"until"}}}},
		{Name: "token", Apart: true, Label: "机器令牌", Primary: []string{"id"}, Columns: []Column{
			need("id", Text), need("person", Text), need("name", Text), may("scope", JSON), need("at", Text), need("until", Text),
			may("used", Text), may("ended", Text)},
			Indexes: []Index{{Name: "token_person", Columns: []string{"person"}}}},

		// What must leave the house: mail, web hooks. Written with the act, sent after it, at least once.
		{Name: "outbox", Apart: true, Label: "待发", Primary: []string{"id"}, Columns: []Column{
			need("id", Text), need("kind", Text), need("target", Text), need("body", JSON), need("at", Text), may("next_at", Text),
			may("lease", Text), may("fence", Int), may("tried", Int), may("sent", Text), may("dead", Text), may("error", Text)},
			Indexes: []Index{{Name: "outbox_next", Columns: []string{"next_at", "id"}, Where: `"next_at" IS NOT NULL`}}},
	}
}

func need(name string, kind Kind) Column { return Column{Name: name, Kind: kind, NotNull: true} }
func may(name string, kind Kind) Column  { return Column{Name: name, Kind: kind} }
