// A group: three units with a regulation each. Nobody sees another unit's cases by any way; who works in two sees both, told apart.
import { ask, base, must, noForbidden, noOverflow, phone, shot, signIn } from './browser.mjs'

const DESKS = { '14.complaint': 'limin', '02.complaint': 'ouyangjing', '10.complaint': 'kangning' }
const HOUSE = { '14.complaint': '恒泰流体设备有限公司', '02.complaint': '恒泰密封件有限公司', '10.complaint': '恒泰物业服务有限公司' }

async function other(context, account, size = { width: 1440, height: 900 }) {
  const page = await (await context.browser().newContext({ viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', hasTouch: size.width < 768 })).newPage()
  page.setDefaultTimeout(15_000)
  await page.goto(base)
  await signIn(page, account)
  return page
}
const status = (page, path) => page.evaluate(async (p) => (await fetch(p)).status, path)
/** Everything a person can be told through a door, as text. */
const told = (page, path) => page.evaluate(async (p) => { const r = await fetch(p); return r.ok ? r.text() : '' }, path)

/** How many bytes a register's workbook has beyond one of no rows. */
const exported = (page, form) => page.evaluate(async (f) => {
  const size = async (q) => { const r = await fetch(`/api/form/${f}/record.xlsx${q}`); return r.ok ? (await r.arrayBuffer()).byteLength : 0 }
  return (await size('')) - (await size('?q=nothing-is-called-so'))
}, form)

/** The workbench once the page knows whose everything is: regulations and forms have been looked at before. */
async function withHouses(page) {
  await page.goto(base + '/rulebook')
  await page.locator('main a[href^="/rulebook/"]').first().waitFor()
  await page.getByRole('navigation').getByRole('link', { name: '登记簿' }).first().click()
  await page.locator('main a[href^="/register/"]').first().waitFor()
  await page.getByRole('navigation').getByRole('link', { name: /工作台/ }).first().click()
  await page.locator('[data-task]').first().waitFor()
}

export default [
  ['group: nobody sees another unit’s cases by list, search, export, board, journal or address', null, null, async (_, context) => {
    const some = {}
    for (const [form, who] of Object.entries(DESKS)) {
      const desk = await other(context, who)
      must((await exported(desk, form)) > 1000, `${who} exports nothing of his own unit`)
      const { rows } = await ask(desk, `/api/form/${form}/record?limit=40&sort=-at`)
      const numbered = rows.filter((r) => r.number)
      must(numbered.length > 5, `the demonstration has few cases of ${form}`)
      some[form] = numbered
      await desk.context().close()
    }
    for (const [own, who] of Object.entries(DESKS)) {
      const page = await other(context, who)
      must((await ask(page, `/api/form/${own}/record?limit=5`)).rows.length === 5, `${who} does not see the cases of his own unit`)
      for (const form of Object.keys(DESKS)) {
        if (form === own) continue
        const list = await page.evaluate(async (f) => { const r = await fetch(`/api/form/${f}/record?limit=50`); return r.ok ? (await r.json()).rows.length : 0 }, form)
        must(list === 0, `${who} sees ${list} cases of ${form} in the list`)
        const found = some[form].slice(0, 3)
        for (const r of found) {
          must((await status(page, `/api/form/${form}/record/${r.id}`)) === 404, `${who} opens a case of ${form}`)
          for (const way of [`/api/search?q=${encodeURIComponent(r.title || r.number)}`, `/api/form/${form}/record?q=${encodeURIComponent(r.number)}`, `/api/clock?q=${encodeURIComponent(r.number)}`, `/api/journal?record=${r.id}`]) {
            must(!(await told(page, way)).includes(r.id), `${who} finds a case of ${form} by ${way}`)
          }
        }
        must((await exported(page, form)) < 100, `${who} exports cases of ${form}`)
        for (const way of ['/api/task', '/api/board', '/api/clock?limit=100', '/api/clock?state=late&limit=100', '/api/notice']) {
          const all = await told(page, way)
          must(!some[form].some((r) => all.includes(r.id)), `${who} is told of a case of ${form} by ${way}`)
        }
      }
      const board = await ask(page, '/api/board')
      // what the shared accountant and the director hold of another house counts there, not where their desk is
      const units = board.by_unit.map((u) => u.unit.name)
      const ours = { '14.complaint': /^(?!恒泰密封件|恒泰物业|密封件|物业|客户中心|翠园|湖畔|秩序|保洁|硫化|修边)/, '02.complaint': /^(恒泰密封件|密封件|硫化|修边)/, '10.complaint': /^(恒泰物业|物业|客户中心|翠园|湖畔|秩序|保洁|宏城)/ }[own]
      must(units.length > 0 && units.every((n) => ours.test(n)), `${who} has on the board: ${units}`)
      for (const u of board.by_unit.filter((u) => u.open <= 100)) { // a count opens what it counts
        const n = (await ask(page, `/api/clock?limit=100&unit=${u.unit.id}`)).rows.length
        must(n === u.open, `${who}: ${u.unit.name} counts ${u.open} and opens ${n}`)
      }
      const strange = some[Object.keys(DESKS).find((f) => f !== own)][0]
      await page.goto(`${base}/record/${Object.keys(DESKS).find((f) => f !== own)}/${strange.id}`)
      await page.locator('main').waitFor()
      await page.waitForLoadState('networkidle')
      must(!(await page.locator('body').innerText()).includes(strange.number), `${who} reads the number of a foreign case`)
      await page.context().close()
    }
  }],
  ['group: who works in two units sees both and is told whose a task and a register are', 'zhoukuaiji', null, async (page) => {
    for (const form of ['14.complaint', '02.complaint']) must((await ask(page, `/api/form/${form}/record?limit=3`)).rows.length === 3, `nothing of ${form}`)
    must((await page.evaluate(async () => { const r = await fetch('/api/form/10.complaint/record?limit=3'); return r.ok ? (await r.json()).rows.length : 0 })) === 0, 'the accountant sees the property company')
    await page.goto(base + '/register')
    await page.getByRole('heading', { level: 1 }).waitFor()
    for (const house of [HOUSE['14.complaint'], HOUSE['02.complaint']]) await page.getByRole('heading', { name: new RegExp(house) }).waitFor()
    must((await page.getByRole('heading', { name: new RegExp(HOUSE['10.complaint']) }).count()) === 0, 'a regulation of a unit that is not hers')
    await noForbidden(page)
    await shot(page, 'group-registers')
    await withHouses(page)
    const rows = await page.locator('[data-task]').allInnerTexts()
    must(rows.length > 0 && rows.every((x) => /恒泰(流体设备|密封件)有限公司/.test(x)), 'a task does not say whose it is: ' + rows.find((x) => !/恒泰/.test(x)))
    await noOverflow(page)
    await shot(page, 'group-two-units')
  }],
  ['group: who works in one unit is not told its name at every step', 'limin', null, async (page) => {
    await withHouses(page)
    must(!(await page.locator('[data-task]').allInnerTexts()).some((x) => x.includes(HOUSE['14.complaint'])), 'the unit is said where it is the only one')
  }],
  ['group: the general manager of the factory is a director of the property company', 'heyuan', null, async (page) => {
    for (const form of ['14.complaint', '10.complaint']) must((await ask(page, `/api/form/${form}/record?limit=3`)).rows.length === 3, `nothing of ${form}`)
    must((await page.evaluate(async () => { const r = await fetch('/api/form/02.complaint/record?limit=3'); return r.ok ? (await r.json()).rows.length : 0 })) === 0, 'he sees the second factory')
  }],
  ['group: the property desk sees its emergencies first, on the board and on the phone', 'tanxue', phone, async (page) => {
    await page.locator('[data-task]').first().waitFor()
    await noOverflow(page)
    await shot(page, 'group-desk-phone')
    await page.goto(base + '/board')
    await page.locator('.board-rows > li').first().waitFor()
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'group-desk-board')
    const { rows } = await ask(page, `/api/form/10.complaint/record?limit=20&filter=${encodeURIComponent("this.state == 'emergency'")}`)
    must(rows.length > 0, 'no emergency is under way')
  }],
  ['group: the sign-in page lists the accounts by company', null, null, async (page) => {
    for (const house of Object.values(HOUSE)) await page.getByRole('heading', { name: house, exact: true }).waitFor()
    await shot(page, 'group-sign-in')
  }],
]
