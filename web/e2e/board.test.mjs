// The control room by keyboard and by thumb, and the wall that a display opens by a link of its own.
import { ask, base, must, noForbidden, noOverflow, phone, send, signIn } from './browser.mjs'

const shot = (page, name) => process.env.ZHANGGUI_SHOTS && page.screenshot({ path: `${process.env.ZHANGGUI_SHOTS}/${name}.png` })
const rows = (page) => page.locator('.board-rows > li')

/** What the display is told, with one more that has just become late. */
async function feed(page, change) {
  await page.route('**/api/wall-board', async (route) => {
    const res = await route.fetch()
    if (!res.ok()) return route.fulfill({ response: res })
    const body = await res.json()
    await route.fulfill({ response: res, json: change(body) })
  })
}

/** A link for a display of a unit, as the drawer of the control room makes it. */
async function wallLink(page, drawer, unit) {
  await drawer.locator('#wall-name').fill('大厅')
  await drawer.locator('#wall-unit').fill(unit)
  await page.locator('.ant-select-item-option').filter({ hasText: unit }).first().click()
  await drawer.getByRole('button', { name: '建链接' }).click()
  return drawer.getByRole('textbox', { name: '大屏链接' }).inputValue()
}

export default [
  ['board: J and K move, Enter opens, U urges once, the forecast is said', 'hejing', null, async (page) => {
    await page.goto(base + '/board')
    await rows(page).first().waitFor()
    must((await page.locator('.board-rows > li.at').getAttribute('data-clock')) === (await rows(page).first().getAttribute('data-clock')), 'the first is not marked')
    for (const width of [1440, 1280, 1024]) {
      await page.setViewportSize({ width, height: 900 })
      const narrow = await page.locator('.board-rows .what').evaluateAll((list) => Math.min(...list.map((x) => x.getBoundingClientRect().width)))
      must(narrow > 200, `what is open has ${narrow} points of ${width}`)
    }
    await page.keyboard.press('j')
    must((await page.locator('.board-rows > li.at').getAttribute('data-clock')) === (await rows(page).nth(1).getAttribute('data-clock')), 'J does not move')
    await page.keyboard.press('k')
    await page.keyboard.press('k')
    must((await page.locator('.board-rows > li.at').getAttribute('data-clock')) === (await rows(page).first().getAttribute('data-clock')), 'K does not move back')
    const urgent = rows(page).filter({ has: page.getByRole('button', { name: '催办' }) }).first()
    await urgent.getByRole('button', { name: '催办' }).click()
    await page.getByRole('status').filter({ hasText: /已催|催过|不用催/ }).first().waitFor()
    const board = await ask(page, '/api/board')
    must(board.by_holder.length > 0, 'nobody holds anything')
    await noForbidden(page)
    await shot(page, 'board-desk')
    await page.goto(base + '/board')
    await rows(page).first().waitFor()
    await page.mouse.click(5, 300)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/record\//)
  }],
  ['board: on a phone each row has its acts under the thumb', 'hejing', phone, async (page) => {
    await page.goto(base + '/board')
    await rows(page).first().waitFor()
    const open = rows(page).first().getByRole('link', { name: '打开' })
    must((await open.boundingBox()).height >= 44, 'too small for a thumb')
    await noOverflow(page)
    await shot(page, 'board-phone')
  }],
  ['board: who may name another holder does it from the board, on a phone too; who may not is not offered it', 'lufang', phone, async (page, context) => {
    await page.goto(base + '/board')
    const row = rows(page).filter({ has: page.getByRole('link', { name: '指派' }) }).filter({ hasText: '反馈前台' }).first()
    await row.waitFor()
    const id = await row.getAttribute('data-clock')
    const held = async (p = page) => (await ask(p, '/api/clock?limit=200')).rows.find((c) => c.id === id)
    const before = await held()
    must((await row.getByRole('link', { name: '指派' }).boundingBox()).height >= 44, 'too small for a thumb')
    await row.getByRole('link', { name: '指派' }).click()
    const form = page.locator('section, .card').filter({ has: page.getByRole('heading', { name: /更换首问责任人/ }) }).last()
    await form.waitFor()
    const to = before.holder[0].name === '邱月' ? '谭雪' : '邱月'
    await form.getByRole('combobox').first().click()
    await page.keyboard.type(to)
    await page.locator('.ant-select-item-option').filter({ hasText: to }).first().click()
    await form.getByRole('textbox').last().fill('原首问人今日休假')
    await shot(page, 'board-assign')
    await noOverflow(page)
    await form.getByRole('button', { name: '更换首问责任人' }).click()
    for (let i = 0; i < 300 && (await held()).holder[0].name === before.holder[0].name; i++) await page.waitForTimeout(100)
    const after = await held()
    must(after.holder.some((h) => h.name === to) && !after.holder.some((h) => h.name === before.holder[0].name), `still held by ${JSON.stringify(after.holder)}`)
    const desk = await (await context.browser().newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })).newPage()
    await desk.goto(base)
    await signIn(desk, 'tanxue')
    must((await ask(desk, '/api/clock?limit=200')).rows.every((c) => !c.assign), 'offered to who may not')
    await desk.context().close()
  }],
  ['wall: a link of its own, no session, readable, a new breach on top, old data said, revocable', 'hejing', null, async (page, context) => {
    await page.goto(base + '/board')
    await page.getByRole('button', { name: '大屏链接' }).click()
    const drawer = page.getByRole('dialog')
    const link = await wallLink(page, drawer, '恒泰流体设备')
    must(/\/wall#zgw_/.test(link), 'the link is ' + link)
    await shot(page, 'wall-links')

    const screen = await (await context.browser().newContext({ viewport: { width: 1920, height: 1080 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })).newPage()
    await screen.clock.install()
    const asked = []
    screen.on('request', (r) => { if (r.url().includes('/api/')) asked.push(new URL(r.url()).pathname) })
    let more = false
    await feed(screen, (b) => more ? { ...b, rows: [...b.rows.slice(0, 7), { id: 'new', label: { zh: '新的逾期', en: 'new' }, number: 'N1', due: new Date(Date.parse(b.now) - 1000).toISOString(), state: 'late', warned: true, holder: '何静', unit: '总经理室' }] } : b)
    await screen.goto(link)
    await screen.locator('.wall tbody tr').first().waitFor()
    const sizes = await screen.evaluate(() => {
      const px = (e) => parseFloat(getComputedStyle(e).fontSize)
      const all = [...document.querySelectorAll('.wall *')].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
      return { least: Math.min(...all.map(px)), figures: [...document.querySelectorAll('.tiles4 b')].map(px), high: document.documentElement.scrollHeight, cells: Math.min(...[...document.querySelectorAll('.wall tbody td')].map(px)), rows: document.querySelectorAll('.wall tbody tr').length }
    })
    must(sizes.least >= 22, 'something is smaller than 22 px: ' + sizes.least)
    must(sizes.figures.length === 4 && sizes.figures.every((n) => n === 96), 'figures are ' + sizes.figures)
    must(sizes.cells >= 36, 'the rows are smaller than 36 px: ' + sizes.cells)
    must(sizes.rows <= 8 && sizes.high <= 1080, `${sizes.rows} rows, ${sizes.high} px high`)
    must(!/(张|李|王)(先生|女士)/.test(await screen.locator('.wall').innerText()), 'a customer by name')
    await shot(screen, 'wall-1920')
    more = true
    await screen.clock.fastForward(31_000)
    const top = screen.locator('.wall tbody tr').first()
    await top.filter({ hasText: '新的逾期' }).waitFor({ timeout: 40_000 })
    must(/is-fresh/.test(await top.getAttribute('class')), 'the new breach is not framed')
    must((await screen.locator('html').getAttribute('data-rang')) === '1', 'the new breach did not sound once')
    await shot(screen, 'wall-fresh')
    await screen.clock.fastForward(15_000)
    await screen.locator('.wall tr.is-fresh').waitFor({ state: 'detached', timeout: 20_000 })
    must((await screen.locator('html').getAttribute('data-rang')) === '1', 'it sounds again for what it has shown')
    must(asked.every((p) => ['/api/wall-board', '/api/me', '/api/company'].includes(p)), 'asked ' + [...new Set(asked)])

    await screen.setViewportSize({ width: 390, height: 844 })
    await noOverflow(screen)
    await shot(screen, 'wall-phone')
    await screen.setViewportSize({ width: 1920, height: 1080 })

    await Promise.all([page.waitForResponse((r) => r.request().method() === 'DELETE'), drawer.getByRole('button', { name: '收回' }).first().click()])
    await screen.clock.fastForward(31_000)
    await screen.getByText('这条链接已收回').waitFor({ timeout: 40_000 })
  }],
  ['wall: a minute without news is said over the figures, not a second before, and no longer once there are some; a property desk has its own', 'hejing', null, async (page, context) => {
    await page.goto(base + '/board')
    await page.getByRole('button', { name: '大屏链接' }).click()
    const link = await wallLink(page, page.getByRole('dialog'), '恒泰物业')
    const screen = await (await context.browser().newContext({ viewport: { width: 1920, height: 1080 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })).newPage()
    await screen.clock.install()
    let cut = false
    await screen.route('**/api/wall-board', (route) => (cut ? route.abort() : route.continue()))
    await screen.goto(link)
    await screen.locator('.wall tbody tr').first().waitFor()
    const said = await screen.locator('.wall tbody').innerText()
    must(!/业务部|制造|密封件/.test(said), 'another unit on the property wall: ' + said)
    cut = true
    const stale = screen.locator('.stale-line')
    await screen.clock.pauseAt(new Date(Date.now() + 10_000))
    const seen = await screen.locator('.wall footer').innerText()
    await screen.clock.fastForward(40_000)
    must(!(await stale.count()), 'said after less than a minute')
    await screen.clock.fastForward(25_000)
    await stale.waitFor()
    must(seen.length > 0 && (await stale.getAttribute('role')) === 'alert' && /\d{1,2}:\d{2}/.test(await stale.innerText()), 'it does not say since when: ' + (await stale.innerText()))
    await shot(screen, 'wall-stale')
    cut = false
    await screen.clock.resume()
    await screen.clock.fastForward(31_000)
    await stale.waitFor({ state: 'detached', timeout: 40_000 })
    await shot(screen, 'wall-property')
  }],
]
