// Every word of the interface, Chinese and English side by side.
export const words = {
  brand: ['掌柜', 'Zhanggui'], workbench: ['工作台', 'Workbench'], registers: ['登记簿', 'Registers'], rulebooks: ['制度', 'Regulations'], journal: ['稽核', 'Audit'], search: ['客户、编号、电话、拼音首字母', 'Customer, number, phone, initials'],
  signIn: ['登录', 'Sign in'], account: ['账号', 'Account'], password: ['密码', 'Password'], signOut: ['退出登录', 'Sign out'], demoAccounts: ['样板公司的账号，密码都是', 'Accounts of the sample company; the password of all is'],
  myTasks: ['我的事', 'My tasks'], late: ['逾期', 'Overdue'], today: ['今天到期', 'Due today'], week: ['本周', 'This week'], later: ['以后', 'Later'], waiting: ['等别人办', 'Waiting for others'], recent: ['刚刚', 'Just now'], nothing: ['今天没有要办的事。', 'Nothing due today.'],
  handle: ['办理', 'Handle'], create: ['新建', 'New'], content: ['内容', 'Content'], history: ['经过', 'History'], limits: ['时限', 'Time limits'], closedActions: ['还不能办的事', 'Not open yet'], copies: ['联', 'Copies'], related: ['相关', 'Related'], whoMay: ['谁能办：', 'Who can: '],
  submit: ['提交', 'Submit'], cancel: ['取消', 'Cancel'], agree: ['同意并签字', 'Agree and sign'], decline: ['不同意', 'Decline'], reason: ['理由', 'Reason'], comment: ['批示', 'Comment'], optional: ['选填', 'optional'], addRow: ['加一行', 'Add a row'], removeRow: ['去掉', 'Remove'],
  print: ['打印', 'Print'], exportExcel: ['导出', 'Export'], more: ['下一页', 'Next page'], first: ['回到第一页', 'First page'], number: ['编号', 'Number'], subject: ['事项', 'Subject'], state: ['阶段', 'Stage'], holder: ['在谁手上', 'Held by'], due: ['时限', 'Time limit'], filed: ['登记时间', 'Filed'],
  empty: ['还没有记录。', 'No records yet.'], yes: ['是', 'Yes'], no: ['否', 'No'], all: ['全部', 'All'], clauseText: ['条款', 'Clause'], does: ['系统替这一条做什么', 'What the system does'], fired: ['用到次数', 'Times applied'], params: ['参数', 'Parameters'], value: ['当前值', 'Value'], fromDefault: ['原文缺失，取默认值', 'Default: the source lost it'],
  loading: ['正在打开', 'Loading'], offline: ['连接断了，草稿在本机。连上后自动重试。', 'Connection lost. Your draft is kept here; retrying.'], ourFault: ['抱歉，系统出错，没有记下。', 'Sorry, something broke; nothing was recorded.'], retry: ['再试一次', 'Try again'], draftKept: ['草稿', 'Draft'],
  clockBand: ['样板，时间可拨', 'Sample company; the clock can be turned'], turnDay: ['拨一天', 'One day on'], turnHour: ['拨一小时', 'One hour on'], me: ['我', 'Me'], why: ['为什么', 'Why'], language: ['English', '中文'], done: ['已办', 'Done'], need: ['还缺', 'Still needed:'], waitFor: ['还等签字：', 'Waiting for: '], people: ['人员与单位', 'People and units'], close: ['关闭', 'Close'],
} as const
export type Word = keyof typeof words
