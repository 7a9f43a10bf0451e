// WCAG 2.2 AA by an automated check on every route the application has, once in each language and once at each size; and what that
// check cannot see: the keyboard.
import { readFileSync } from 'node:fs'
import { ask, base, check, desktop, first, must, phone, visit } from './browser.mjs'

const source = readFileSync(new URL('../src/app/app.tsx', import.meta.url), 'utf8')
const routes = [...new Set([...source.matchAll(/path: '([^'*]+)'/g)].map((m) => m[1]))].map((p) => (p.startsWith('/') ? p : '/' + p))

/** A real address for each route: parameters are filled with what the sample company has. */
async function addresses(page) {
  const { rows } = await ask(page, `/api/form/14.complaint/record?limit=1&sort=-number&filter=${encodeURIComponent("this.state == 'office'")}`)
  const me = (await ask(page, '/api/me')).person.id
  const named = { '/rulebook': '14-complaint', '/ledger': 'payroll', '/people': me }
  const part = { key: '14.complaint', book: '14-complaint', clause: '14-9.9b', with: '02-complaint' }
  const { rows: [customer] } = await ask(page, '/api/form/base.customer/record?limit=1&sort=number') // whose page is another than a case's
  return [`/record/base.customer/${customer.id}`, ...routes.map((p) => p.replace(/:(\w+)/g, (_, x) => (x === 'id' ? named[p.split('/:')[0]] ?? rows[0].id : part[x])))]
}

async function checkAll(page) {
  must(routes.length > 15, 'the routes were not found in app.tsx')
  const found = []
  for (const path of await addresses(page)) {
    await visit(page, path)
    await page.locator('h1, .sign-in, .wall, .paper').first().waitFor().catch(() => {})
    for (const line of await check(page)) found.push(`${path}: ${line}`)
  }
  must(!found.length, found.length + ' findings\n' + found.join('\n'))
}

const inEnglish = async (page) => {
  await page.evaluate(() => localStorage.setItem('zg:language', 'en'))
  await page.reload()
  await page.locator('html[lang=en] h1').first().waitFor()
  await checkAll(page)
}

/** Tab reaches everything that can be pressed, and shows where it is. */
async function byKeyboard(page) {
  await page.locator('h1').first().waitFor()
  await page.waitForLoadState('networkidle').catch(() => {})
  await page.evaluate(() => { document.activeElement?.blur(); window.reached = new Set(); window.begun = undefined })
  const hidden = new Set()
  for (let i = 0; i < 500; i++) {
    await page.keyboard.press('Tab')
    const bare = await page.evaluate(() => {
      const e = document.activeElement
      if (!e || e === document.body) return ''
      if (e === window.begun) return 'round'
      window.begun ??= e
      window.reached.add(e)
      const seen = [e, e.parentElement, e.closest('.ant-select, .ant-picker, .ant-input-affix-wrapper, .ant-upload, label')].some((x) => {
        if (!x) return false
        const s = getComputedStyle(x)
        return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none'
      })
      return seen ? '' : e.outerHTML.slice(0, 160)
    })
    if (bare === 'round') break
    if (bare) hidden.add(bare)
  }
  must(!hidden.size, 'nothing shows that the focus is here: ' + [...hidden].slice(0, 12).join('\n'))
  const missed = await page.evaluate(() => [...document.querySelectorAll('main a[href], main button, main input, header button, nav a')].filter((e) => {
    const r = e.getBoundingClientRect()
    const folded = e.closest('details:not([open])')
    const shown = !folded && r.width > 0 && r.height > 0 && getComputedStyle(e).visibility !== 'hidden' && !e.disabled && e.tabIndex >= 0
    return shown && !window.reached.has(e) && e.type !== 'radio' && e.type !== 'file'
  }).map((e) => e.outerHTML.slice(0, 160)))
  must(!missed.length, `${missed.length} cannot be reached by Tab: ${missed.slice(0, 5).join(' ')}`)
}

export default [
  ['accessible: Tab reaches everything on workbench, register and new record', 'chenli', null, async (page) => {
    for (const path of ['/', '/register/14.complaint', '/register/14.complaint/new']) {
      await page.goto(base + path)
      await byKeyboard(page)
    }
  }],
  ['accessible: Tab reaches everything on a record', 'chenli', null, async (page) => {
    const { rows } = await ask(page, '/api/form/14.complaint/record?limit=1&sort=-number')
    await page.goto(base + '/record/14.complaint/' + rows[0].id)
    await byKeyboard(page)
  }],
  ['accessible: Esc closes the person\'s menu and the list of keys', 'hejing', null, async (page) => {
    await page.locator('h1').first().waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    must(!(await check(page)).length, 'the list of keys: ' + (await check(page)).join('\n'))
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  }],
  ['accessible: flow graph, scanning and parked drafts, at the desk and on a phone', 'chenli', null, async (page) => {
    const { rows } = await ask(page, '/api/form/14.complaint/record?limit=1&sort=-number')
    const slip = await first(page, '14.return_slip', "this.state == 'booked'")
    const found = []
    const look = async (what) => {
      await page.waitForTimeout(500) // what is on its way in is not yet as it will be
      for (const line of await check(page)) found.push(`${what}: ${line}`)
    }
    for (const size of [desktop, phone]) {
      await page.setViewportSize({ width: size[0], height: size[1] })
      await page.goto(base + '/record/14.complaint/' + rows[0].id)
      await page.getByRole('button', { name: '看流程图' }).click()
      await page.locator('.flow').waitFor()
      await look('flow ' + size)
      await page.goto(base + '/record/14.return_slip/' + slip.id)
      await page.locator('.compare').waitFor()
      await look('compare ' + size)
      await page.goto(base + '/register/14.help_request/new')
      await page.locator('main textarea').first().fill('第一通')
      await page.getByRole('navigation', { name: '没填完的' }).waitFor()
      await look('parked ' + size)
    }
    await page.locator('nav.bar').getByRole('button', { name: '扫一扫' }).click()
    await page.locator('#scan-code').waitFor()
    await look('scan')
    must(!found.length, found.length + ' findings\n' + found.join('\n'))
  }],
  ['accessible: every page at the desk, in Chinese', 'hejing', null, checkAll],
  ['accessible: every page on a phone, in English', 'hejing', phone, inEnglish],
  ['accessible: sign-in', null, null, async (page) => {
    await page.locator('#account').waitFor()
    const found = await check(page)
    must(!found.length, found.join('\n'))
  }],
]
