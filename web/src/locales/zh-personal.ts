// The same, of personal data: what was erased, and the copy a person may ask for.
export default {
  'personal.erased': '已擦除',
  'personal.copy': '个人信息副本',
  'personal.copy_text': '这里汇集公司保存的这个人的全部信息，明文显示。每生成一次都留下记录；交付后请在记录页办“已交付”。',
  'personal.copy_make': '生成副本',
  'personal.copy_json': '下载数据文件',
  'personal.held': '保存的信息',
  'personal.history': '从前的值',
  'personal.mentions': '提到这个人的记录',
  'personal.same': '号码、邮箱相同的其他记录',
  'personal.read': '谁看过，为什么',
  'personal.when': '时间',
  'personal.who': '谁',
  'personal.what': '事项',
  'personal.purpose': '用途',
  'personal.was': '原来',
  'personal.answers': '答复请求 {{number}}',
}
