// The same, of laying two regulations side by side.
export default {
  'diff.open': '对照',
  'diff.title': '对照：{{left}}与{{right}}',
  'diff.text': '左边每一条在右边怎么说。条文编号不同、意思相同的算作相同。',
  'diff.with': '与哪部制度对照',
  'diff.turn': '左右互换',
  'diff.differing': '有出入的',
  'diff.changed': '不同',
  'diff.absent': '没有',
  'diff.new': '新增',
  'diff.same': '相同',
  'diff.names': '名称',
  'diff.other': '条文以外',
  'diff.without': '{{book}}没有这一条',
  'diff.only_text': '只有条文，系统没有另外的动作',
}
