// The same, of personal data: what was erased, and the copy a person may ask for.
export default {
  'personal.erased': 'erased',
  'personal.copy': 'Copy of personal data',
  'personal.copy_text': 'All that the company holds about this person, in plain. Each making leaves a trace; once it is handed over, mark the request as delivered.',
  'personal.copy_make': 'Make the copy',
  'personal.copy_json': 'Download as data',
  'personal.held': 'What is held',
  'personal.history': 'Earlier values',
  'personal.mentions': 'Records that name the person',
  'personal.same': 'Other records with the same number or address',
  'personal.read': 'Who looked, and why',
  'personal.when': 'When',
  'personal.who': 'Who',
  'personal.what': 'What',
  'personal.purpose': 'Purpose',
  'personal.was': 'Was',
  'personal.answers': 'Answers request {{number}}',
}
