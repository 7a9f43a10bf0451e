// What stands around a customer, a product: the page on which everything about one is found.
export default {
  'colon': '：',
  'around.next': '接下来',
  'around.tabs': '与它有关的',
  'around.timeline': '往来',
  'around.changes': '改动记录',
  'around.blocked': '现在还不能办',
  'around.file': '为它办…',
  'around.none': '还没有往来。这里会按时间列出与它有关的每一件事。',
  'around.only': '只列你看得到的。',
  'around.earlier': '看更早的',
  'around.earliest': '到头了。',
  'around.filed': '登记',
  'around.register': '在登记簿里看',
  'around.more_than': '{{count}} 以上',
  'around.lasts_other': '共 {{count}} 件',
  'around.nothing_ahead': '没有要赶的时限。',
}
