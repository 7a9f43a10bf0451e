// A customer without an account answers a survey on his phone by the link he was given: once, in his language, what he filled in is not lost.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { ask, check, must, noForbidden, noOverflow, shot } from './browser.mjs'
import { fresh } from './fresh.mjs'

const PASSWORD = 'slate harbour 12 echoes'

const send = async (page, method, path, body) => {
  const r = await page.evaluate(async ([m, p, b]) => {
    const me = await (await fetch('/api/me')).json()
    const r = await fetch(p, { method: m, headers: { 'Content-Type': 'application/json', [me.csrf_header ?? 'X-CSRF-Token']: me.csrf ?? '', 'Idempotency-Key': crypto.randomUUID(), ...(m === 'PATCH' && { 'If-Match': '*' }) }, body: JSON.stringify(b) })
    return { ok: r.ok, body: r.status === 204 ? {} : await r.json() }
  }, [method, path, body])
  must(r.ok, `${method} ${path}: ${JSON.stringify(r.body)}`)
  return r.body.record ?? r.body
}
const file = (page, form, values, lines) => send(page, 'POST', `/api/form/${form}/record`, { values, lines })
const act = (page, form, id, action, values = {}) => send(page, 'POST', `/api/form/${form}/record/${id}/${action}`, { values })

/** A mining company of one person with an open survey, handed out to one customer: the id of his questionnaire. */
async function surveyed(page, address, code) {
  await page.goto(address)
  await page.getByRole('heading', { name: '初次使用' }).waitFor()
  await send(page, 'POST', '/api/first-run', { code, company: '北山矿业', name: '何静', account: 'he', password: PASSWORD })
  await page.goto(address)
  await page.fill('#account', 'he')
  await page.fill('#password', PASSWORD)
  await page.keyboard.press('Enter')
  await page.locator('header.top').waitFor()
  const me = await ask(page, '/api/me')
  const { rows: [unit] } = await ask(page, '/api/form/base.unit/record')
  for (const role of ['marketing', 'sales', 'sales_director', 'office', 'gm']) await file(page, 'base.role_grant', { person: me.person.id, role, unit: unit.id, from: '2020-01-01' })
  await file(page, 'base.adoption', { unit: unit.id, book: '09-customer', version: '1.0', from: '2020-01-01' })
  const k = await file(page, 'base.customer', { name: '泰和焦化', served_by: 'sales' }, { contacts: [{ name: '王工', email: 'wang@taihe.example' }] })
  const f = await file(page, '09.customer_file', { customer: k.id, office: 'sales', contact_name: '王工', phone: '13800000001', website: '无', no_trade: true })
  await file(page, '09.credit_note', { file: f.id, what: '良好' })
  await act(page, '09.customer_file', f.id, 'name_keeper', { keeper: me.person.id })
  await act(page, '09.customer_file', f.id, 'submit')
  await act(page, '09.customer_file', f.id, 'approve')
  const items = [['quality', '灰分稳定'], ['service', '答复及时'], ['price', '价格合理'], ['company', '愿意继续合作']].map(([aspect, question]) => ({ aspect, question }))
  const s = await file(page, '09.survey', { name: '年度满意度调查', starts_on: '2020-01-01', ends_on: '2090-12-31' }, { items })
  await act(page, '09.survey', s.id, 'open_it')
  await act(page, '09.survey', s.id, 'hand_out', { to_customer: k.id, to_way: 'link' })
  return (await ask(page, '/api/form/09.reply/record')).rows[0].id
}

/** A mail server that keeps what it is sent. */
function mailbox() {
  const got = []
  const server = createServer((c) => {
    let text = '', body = null
    c.on('error', () => {})
    c.write('220 stub\r\n')
    c.on('data', (b) => {
      text += b
      for (let i = text.indexOf('\r\n'); i >= 0; i = text.indexOf('\r\n')) {
        const line = text.slice(0, i)
        text = text.slice(i + 2)
        if (body !== null) {
          if (line !== '.') body += `${line}\n`
          else { got.push(body); body = null; c.write('250 kept\r\n') }
        } else if (line === 'DATA') { body = ''; c.write('354 go on\r\n') } else if (line === 'QUIT') c.end('221 bye\r\n')
        else c.write('250 ok\r\n')
      }
    })
  })
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done({ got, at: `127.0.0.1:${server.address().port}`, close: () => server.close() })))
}

export default [
  ['letter: the office sends a questionnaire, its record says to whom, and the mail opens it', null, null, async (_, context) => {
    const mail = await mailbox()
    const { address, code, stop } = await fresh(['--smtp', mail.at, '--mail-from', 'house@example.cn', '--alert-allow', '127.0.0.1/32', '--url', 'https://crm.example.cn'])
    try {
      const page = await context.newPage()
      const id = await surveyed(page, address, code)
      await page.goto(`${address}/record/09.reply/${id}`)
      await page.getByRole('button', { name: '发送调查表' }).click()
      const card = page.locator('.card').filter({ has: page.getByRole('heading', { name: '去函' }) })
      await card.getByText('已发送').waitFor()
      await card.getByText('给 泰和焦化 王工 w***@taihe.example').waitFor()
      must(!(await page.locator('main').innerText()).includes('wang@taihe'), 'the address is shown whole')
      await noForbidden(page)
      const wrong = await check(page)
      must(!wrong.length, wrong.join('\n'))
      await shot(page, 'letter-record')
      await page.setViewportSize({ width: 390, height: 844 })
      await page.locator('nav.bar').waitFor()
      await card.getByText('已发送').waitFor()
      await noOverflow(page)
      await shot(page, 'letter-phone')
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${address}/register/base.letter`)
      await page.locator('main').getByText('泰和焦化').first().waitFor()
      await shot(page, 'letter-register')
      const secret = /answer#(zgl_[\w-]{43})/.exec(mail.got.join('').replace(/=\n/g, ''))?.[1]
      must(secret, 'the mail has no link: ' + mail.got.join('\n'))
      const stranger = await (await context.browser().newContext({ locale: 'zh-CN' })).newPage()
      await stranger.goto(`${address}/answer#${secret}`)
      await stranger.getByRole('heading', { name: '顾客满意度调查表' }).waitFor()
      await stranger.context().close()
    } finally {
      await stop()
      mail.close()
    }
  }],
  ['answer: a customer answers by his link on the phone, once', null, null, async (_, context) => {
    const { address, code, stop } = await fresh()
    try {
      const page = await context.newPage()
      const id = await surveyed(page, address, code)
      const many = async () => {
        await page.goto(`${address}/register/09.reply`)
        await page.locator('main input[type=checkbox]').last().check()
        await page.getByRole('region', { name: '一起办' }).getByRole('button', { name: '发链接' }).click()
        await page.getByRole('dialog').getByRole('button', { name: '生成 1 个链接' }).click()
      }
      await many()
      const given = page.locator('.links-made td.secret')
      await given.filter({ hasText: /\/answer#zgl_[\w-]{40,}$/ }).waitFor()
      const secret = /zgl_[\w-]+/.exec(await given.innerText())[0]
      await noForbidden(page)
      const wrong = await check(page)
      must(!wrong.length, wrong.join('\n'))
      await shot(page, 'answer-many')
      await page.getByRole('button', { name: '关闭' }).click() // neither copied nor downloaded: it asks first
      await page.getByText('关掉就看不到了').last().waitFor()
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '下载表格' }).click()])
      must(readFileSync(await file.path(), 'utf8').includes(`/answer#${secret}"`), 'the table lacks the link')
      await page.getByRole('button', { name: '关闭' }).click()
      await given.waitFor({ state: 'detached' })
      must(!(await page.evaluate(() => location.href + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + JSON.stringify(history.state))).includes(secret), 'the secret is kept')
      await page.goto(`${address}/record/09.reply/${id}`)
      await page.getByRole('button', { name: '生成链接' }).click()
      await page.getByRole('button', { name: '换一个新链接' }).waitFor()
      const link = await page.locator('#link-answer').inputValue()
      must(/\/answer#zgl_[\w-]{40,}$/.test(link), 'the link is ' + link)
      await shot(page, 'answer-given')
      const stranger = await (await context.browser().newContext({ viewport: { width: 390, height: 844 }, locale: 'zh-CN', hasTouch: true })).newPage()
      stranger.setDefaultTimeout(15_000)
      const asked = []
      stranger.on('request', (r) => asked.push(r.url()))
      const res = await stranger.goto(link)
      const rule = res.headers()
      must(/default-src/.test(rule['content-security-policy'] ?? '') && rule['x-content-type-options'] === 'nosniff' && /no-referrer|same-origin/.test(rule['referrer-policy'] ?? ''), 'the page lacks its headers: ' + JSON.stringify(rule))
      await stranger.getByRole('heading', { name: '顾客满意度调查表' }).waitFor()
      await shot(stranger, 'answer-phone')
      await noOverflow(stranger)
      await noForbidden(stranger)
      const found = await check(stranger)
      must(!found.length, found.join('\n'))
      const rate = (question, n) => stranger.getByRole('radiogroup', { name: new RegExp(question) }).getByText(String(n), { exact: true }).click()
      must((await stranger.locator('.scale label').first().boundingBox()).height >= 44, 'a choice is too small for a thumb')
      await rate('灰分稳定', 5)
      await rate('答复及时', 3)
      await rate('价格合理', 4)
      await stranger.getByRole('textbox', { name: /答复及时/ }).fill('<b>太慢</b>')
      await stranger.getByRole('button', { name: '提交' }).click()
      await stranger.getByRole('alert').getByText('还有项目没有评分').waitFor()
      await stranger.reload() // what is filled in is still there, and in the other language
      await stranger.getByRole('button', { name: 'English' }).click()
      await stranger.getByRole('heading', { name: 'Questionnaire' }).waitFor()
      must(await stranger.getByRole('radiogroup', { name: /灰分稳定/ }).getByRole('radio', { checked: true }).inputValue() === '5', 'what was filled in is lost')
      await shot(stranger, 'answer-english')
      await rate('愿意继续合作', 5)
      await stranger.getByRole('button', { name: 'Send' }).click()
      await stranger.getByRole('status').getByText('Received').waitFor()
      await shot(stranger, 'answer-thanks')
      must(!asked.some((u) => u.includes('zgl_')), 'the secret was asked for in an address')
      await stranger.setViewportSize({ width: 1440, height: 900 })
      await stranger.goto('about:blank')
      await stranger.goto(link)
      await stranger.getByRole('heading', { name: 'Nothing more to fill in' }).waitFor()
      await shot(stranger, 'answer-over')
      await stranger.context().close()
      await page.goto(`${address}/record/09.reply/${id}`)
      await page.getByText('对方（凭链接）').first().waitFor()
      must((await page.locator('main').innerText()).includes('<b>太慢</b>'), 'the remark is not shown as it was written')
      await shot(page, 'answer-returned')
      await many() // there is nothing left to be answered: no link, and why
      await page.getByRole('heading', { name: '1 件没有链接' }).waitFor()
      await noForbidden(page)
      await shot(page, 'answer-many-none')
      // The analysis of what came back: its figures in words, and drawn, on the screen, the phone and paper.
      await act(page, '09.survey', (await ask(page, '/api/form/09.survey/record')).rows[0].id, 'close')
      const analysis = (await ask(page, '/api/form/09.survey_report/record')).rows[0].id
      const drawn = page.getByRole('img', { name: '图：满意度' }).locator('svg')
      await page.goto(`${address}/record/09.survey_report/${analysis}`)
      await drawn.getByText('产品质量').waitFor()
      await drawn.getByText('60', { exact: true }).first().waitFor()
      const lacking = await check(page)
      must(!lacking.length, lacking.join('\n'))
      await shot(page, 'analysis-chart')
      await page.setViewportSize({ width: 390, height: 844 })
      await page.locator('nav.bar').waitFor()
      await drawn.getByText('产品质量').waitFor()
      await noOverflow(page)
      await shot(page, 'analysis-chart-phone')
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${address}/record/09.survey_report/${analysis}/print`)
      await drawn.getByText('产品质量').waitFor()
      await shot(page, 'analysis-chart-paper')
    } finally {
      await stop()
    }
  }],
]
