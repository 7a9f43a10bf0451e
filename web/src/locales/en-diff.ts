// The same, of laying two regulations side by side.
export default {
  'diff.open': 'Compare',
  'diff.title': 'Compared: {{left}} and {{right}}',
  'diff.text': 'How the right one says each clause of the left one. Clauses that differ in number only count as the same.',
  'diff.with': 'Compare with which regulation',
  'diff.turn': 'Swap sides',
  'diff.differing': 'Differing',
  'diff.changed': 'Changed',
  'diff.absent': 'Absent',
  'diff.new': 'New',
  'diff.same': 'Same',
  'diff.names': 'Names',
  'diff.other': 'Beside the clauses',
  'diff.without': '{{book}} has no such clause',
  'diff.only_text': 'Text only; nothing further is done by the system',
}
