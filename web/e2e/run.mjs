// Browser tests: what a person does, against the address in ZHANGGUI_SERVER. Closes with "N passed, N failed".
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'

const base = process.env.ZHANGGUI_SERVER ?? 'http://127.0.0.1:8080'
const password = 'zhanggui-demo'
const shots = process.env.ZHANGGUI_SHOTS
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
let passed = 0
let failed = 0

const must = (ok, what) => { if (!ok) throw new Error(what) }

async function open(account, width = 1440, height = 900) {
  const context = await browser.newContext({ viewport: { width, height }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const errors = []
  page.on('pageerror', (e) => errors.push(String(e)))
  page.on('console', (m) => { if (/Content Security Policy|Refused to/.test(m.text())) errors.push(m.text()) })
  await page.goto(base)
  if (account) {
    await page.fill('#account', account)
    await page.fill('#password', password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /我的事/ }).waitFor()
  }
  return { page, context, errors }
}

async function test(name, account, size, run) {
  const { page, context, errors } = await open(account, ...(size ?? []))
  try {
    await run(page)
    must(errors.length === 0, 'errors on the page: ' + errors.join('; '))
    if (shots) { mkdirSync(shots, { recursive: true }); await page.screenshot({ path: `${shots}/${name.replace(/\W+/g, '-')}.png` }) }
    passed++
    console.log('ok    ' + name)
  } catch (e) {
    failed++
    console.log('FAILED ' + name + '\n    ' + String(e).split('\n').slice(0, 6).join('\n    '))
    if (shots) { mkdirSync(shots, { recursive: true }); await page.screenshot({ path: `${shots}/failed-${failed}.png` }) }
  } finally {
    await context.close()
  }
}

const noOverflow = async (page) => must(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth + 1), 'the page scrolls sideways')

await test('a wrong password says how many tries are left', null, null, async (page) => {
  await page.fill('#account', 'limin')
  await page.fill('#password', 'not the password')
  await page.keyboard.press('Enter')
  const text = await page.getByRole('alert').innerText()
  must(/账号或密码不对/.test(text), text)
})
await test('workbench of quality', 'limin', null, async (page) => { await noOverflow(page) })
await test('register opens a record with its way, limits and history', 'hejing', null, async (page) => {
  await page.goto(base + '/register/14.complaint')
  const first = page.locator('tbody tr td a').first()
  await first.waitFor()
  await first.click()
  await page.locator('ol.path li[aria-current=step], ol.path li.done').first().waitFor()
  await page.getByRole('heading', { name: '经过' }).waitFor()
  await noOverflow(page)
})
await test('a clerk files a complaint and is told what is missing', 'chenli', null, async (page) => {
  await page.goto(base + '/register/14.complaint')
  await page.getByRole('button', { name: '新建' }).click()
  await page.getByRole('button', { name: '提交' }).click()
  await page.waitForURL(/\/record\/14\.complaint\//)
  await page.getByRole('button', { name: '签注意见送总经理室' }).click()
  await page.getByRole('dialog').getByRole('button', { name: '签注意见送总经理室' }).click()
  const refusal = page.getByRole('dialog').getByRole('alert').first()
  await refusal.waitFor()
  must(/还要填/.test(await refusal.innerText()), await refusal.innerText())
})
await test('the regulation can be read clause by clause', 'jianzhe', null, async (page) => {
  await page.goto(base + '/rulebook/14-complaint')
  await page.getByText('§ 14-9.5b').first().click()
  await page.getByRole('dialog').waitFor()
})
await test('English is complete and remembered', 'limin', null, async (page) => {
  await page.getByRole('button', { name: 'English' }).click()
  await page.getByRole('heading', { name: /My tasks/ }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: /My tasks/ }).waitFor()
})
await test('phone workbench has no sideways scroll', 'wangjianguo', [390, 844], noOverflow)
await test('phone register has no sideways scroll', 'hejing', [390, 844], async (page) => {
  await page.goto(base + '/register/14.complaint')
  await page.locator('tbody tr').first().waitFor()
  await noOverflow(page)
})

await browser.close()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
