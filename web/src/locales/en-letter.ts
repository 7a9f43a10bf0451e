// Letters to people outside.
export default {
  'letters': 'Letters',
  'letters.to': 'To {{who}}',
  'letters.why.no_address': 'No e-mail address; to be printed and posted',
  'letters.why.no_mail': 'No mail server; to be printed and posted',
  'letters.why.no_url': 'No address of the installation to link to; to be printed and posted',
  'letters.why.unreachable': 'Not mailed in several tries; to be printed and posted',
  'letters.outside': 'Somebody outside',
}
