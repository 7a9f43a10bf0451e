// The same, of letters to people outside.
export default {
  'letters': '去函',
  'letters.to': '给 {{who}}',
  'letters.why.no_address': '没有邮箱，待打印寄出',
  'letters.why.no_mail': '没有设邮件服务器，待打印寄出',
  'letters.why.no_url': '没有设访问地址，链接发不出，待打印寄出',
  'letters.why.unreachable': '邮件多次没有发出，待打印寄出',
  'letters.outside': '外部收信人',
}
